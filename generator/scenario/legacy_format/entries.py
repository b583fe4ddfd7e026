"""The campaigns in a file of the older shape, each laid on the template that it inherits from.

A file has entries under `examples:`, `profiles:` or `scenarios:`, at its top level, or under the
advertisers that book them. Or it is one entry: a test of some fields, or a campaign alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.scenario.errors import bad_input, nearest
from generator.scenario.legacy_format.shape import (
    HOURS_A_WEEK,
    MOST_WEEKS,
    LegacyAdvertiser,
    LegacyCampaign,
    LegacyCreative,
    LegacyLineItem,
)
from generator.scenario.legacy_format.synonyms import word
from generator.scenario.models import AdvertiserPlan, CampaignPlan, CreativePlan, LineItemPlan
from generator.scenario.yaml_file import Document, KeyPath, Mark, merge, path_text

SECTIONS = ("examples", "profiles", "scenarios")
OBJECTIVES = ("AWARENESS", "CONSIDERATION", "CONVERSION")
# What an entry lays over its base: later ones win.
_VALUES = ("overrides", "test_fields", "test_values")
_BASES = ("base_template", "extends")
_MARKS_OF_AN_ENTRY = {"test_values", "test_fields", "overrides", "base_template"}
# Keys that only the older shape has, in a campaign and in a line item.
_OF_CAMPAIGNS = {"flight", "budget_type", "status"}
_OF_LINE_ITEMS = {"targeting_json", "device_targets_json", "pixel_vendor", "duration_seconds"}

Bundled = Callable[[str], Document]


def is_legacy(data: Any) -> bool:
    """Return whether a file has the older shape."""
    if not isinstance(data, dict):
        return False
    sections = [data.get(section) for section in SECTIONS]
    listed = [entry for section in sections if isinstance(section, list) for entry in section]
    has_entries = any(isinstance(section, dict) for section in sections) or any(
        isinstance(entry, dict) for entry in listed
    )
    # The names of a workflow, even with something else among them.
    has_names = any(isinstance(entry, str) for entry in listed)
    return (
        (has_entries and not has_names)
        or bool({"base_templates", "test_scenario", *_MARKS_OF_AN_ENTRY} & set(data))
        or any(_is_entry(value) for value in data.values())
        or isinstance(data.get("advertisers"), list)
        or _is_campaign_alone(data)
    )


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and bool(_MARKS_OF_AN_ENTRY & set(value))


def _is_campaign_alone(data: dict[Any, Any]) -> bool:
    """Return whether a file is one campaign, written with keys that only the older shape has."""
    campaign, items = data.get("campaign"), data.get("line_items")
    if not isinstance(campaign, dict) or "platform" in campaign or "extends" in data:
        return False
    has_items = isinstance(items, list) and any(
        isinstance(item, dict) and _OF_LINE_ITEMS & set(item) for item in items
    )
    has_number = isinstance(campaign.get("budget"), int | float)
    return has_items or has_number or bool(_OF_CAMPAIGNS & set(campaign))


@dataclass
class LegacyFile:
    """A file of the older shape. `bundled` is the document of the bundled profile that a campaign
    of an objective is like."""

    document: Document
    bundled: Bundled
    _marks: dict[KeyPath, dict[KeyPath, Mark]] = field(default_factory=dict)

    @cached_property
    def entries(self) -> dict[str, KeyPath]:
        """The names of the entries, and the path of each. Raises InputError."""
        found: dict[str, KeyPath] = {}
        for name, path in self._entries():
            if not isinstance(self._at(path), dict):
                raise bad_input("must be a mapping with a campaign", self.document.where(path))
            if not name:
                raise bad_input("an entry of a list needs a name", self.document.where(path))
            if name in found:
                raise bad_input(f"{name!r} is given twice", self.document.where(path))
            found[name] = path
        if not found:
            raise bad_input("has no entry under examples: or profiles:", self.document.where(()))
        return found

    @property
    def unused(self) -> dict[str, str]:
        """The keys of the file itself that have no meaning here, and why."""
        used = {*SECTIONS, *_VALUES, *_BASES, "base_templates", "advertisers", "name", "version",
                "description", "test_scenario", "smart_defaults", "advertiser", "campaign",
                "line_items", "creatives", "performance", "strategy", "results", "focus",
                "faker_auto"}  # fmt: skip
        entries = {path[0] for path in self.entries.values() if path}
        return {
            str(key): _why_unused(str(key))
            for key in self.document.data
            if key not in used and key not in entries
        }

    @property
    def default_hours(self) -> int | None:
        """How long flights last of which nothing is said, as the file says for all of them."""
        settings = self.document.data.get("global_performance")
        hours = settings.get("default_hours") if isinstance(settings, dict) else None
        is_length = type(hours) is int and 1 <= hours <= MOST_WEEKS * HOURS_A_WEEK
        return hours if is_length else None

    def entry(self, name: str) -> Document:
        """Return an entry on top of all that it inherits. Raises InputError."""
        if name not in self.entries:
            raise bad_input(
                f"there is no entry {name!r}{nearest(name, self.entries)}", self.document.where(())
            )
        path = self.entries[name]
        if path[:1] == ("advertisers",):
            return self._of_advertiser(path)
        return self._with_base(path, ())

    def _entries(self) -> Iterator[tuple[str, KeyPath]]:
        data = self.document.data
        for section in SECTIONS:
            listed = data.get(section) or {}
            if not isinstance(listed, dict | list):
                raise bad_input("must hold entries by name", self.document.where((section,)))
            for key, entry in listed.items() if isinstance(listed, dict) else enumerate(listed):
                named = entry.get("name", "") if isinstance(entry, dict) else ""
                yield str(named if isinstance(listed, list) else key), (section, key)
        for index, account in enumerate(data.get("advertisers") or ()):
            campaigns = account.get("campaigns") if isinstance(account, dict) else None
            for number, campaign in enumerate(campaigns if isinstance(campaigns, list) else ()):
                path = ("advertisers", index, "campaigns", number)
                named = campaign.get("name") if isinstance(campaign, dict) else None
                yield str(named or f"{account.get('name', index + 1)} {number + 1}"), path
        yield from (
            (str(key), (key,))
            for key, value in data.items()
            if key not in (*SECTIONS, *_VALUES, "base_templates") and _is_entry(value)
        )
        if {"test_scenario", *_MARKS_OF_AN_ENTRY} & set(data) or _is_campaign_alone(data):
            mark = self.document.marks.get(())
            yield str(data.get("name") or (Path(mark.file).stem if mark else "test")), ()

    def _of_advertiser(self, path: KeyPath) -> Document:
        """Return the entry of a campaign that is written below its advertiser."""
        account, campaign = self._below(path[:2]), self._below(path)
        of_campaign = set(LegacyCampaign.model_fields) | set(CampaignPlan.model_fields)
        data: dict[str, Any] = {"advertiser": {**account.data}, "campaign": {}}
        data["advertiser"].pop("campaigns")
        marks = {
            ("advertiser", *known): mark
            for known, mark in account.marks.items()
            if known[:1] != ("campaigns",)
        }
        for key, value in campaign.data.items():
            into = ("campaign",) if key in of_campaign else ()
            (data["campaign"] if into else data)[key] = value
            marks |= {
                (*into, *known): mark
                for known, mark in campaign.marks.items()
                if known[:1] == (key,)
            }
        data.pop("advertiser_id", None)
        marks[()] = campaign.marks.get((), Mark("", 1))
        marks[("campaign",)] = marks[()]
        return Document(data, marks)

    def _with_base(self, path: KeyPath, chain: tuple[str, ...]) -> Document:
        """Return an entry on top of its base template, its test values on top of both."""
        own = self._below(path)
        data = {
            key: value
            for key, value in own.data.items()
            if key not in (*_VALUES, *_BASES, *SECTIONS, "base_templates", "smart_defaults")
        }
        if path[:1] and path[0] in SECTIONS and isinstance(path[-1], int):
            data.pop("name", None)
        if not path:
            data = {key: value for key, value in data.items() if key not in self.unused}
            if isinstance(data.get("test_scenario"), str):
                data["description"] = data.pop("test_scenario")
        result = Document(data, own.marks, own.written_as)
        values = [_by_part(self._part(path, key)) for key in _VALUES if key in own.data]
        base = self._base(path, own, values, chain)
        if base is not None:
            result = lay_over(base, result)
        for over in values:
            result = lay_over(result, over)
        return result

    def _base(
        self, path: KeyPath, own: Document, values: list[Document], chain: tuple[str, ...]
    ) -> Document | None:
        """Return what an entry inherits from: a base template of the file, or the bundled profile
        of its objective; below a test of some fields, its defaults on top."""
        key = next((key for key in _BASES if key in own.data), None)
        name = own.data.get(key) if key else None
        where = own.where((key,)) if key else ""
        bases = self.document.data.get("base_templates") or {}
        if isinstance(name, str) and isinstance(bases, dict) and isinstance(bases.get(name), dict):
            if name in chain:
                raise bad_input(f"base templates in a circle: {' → '.join((*chain, name))}", where)
            return self._with_base(("base_templates", name), (*chain, name))
        objective = next(
            (objective for objective in OBJECTIVES if objective in word(str(name))), None
        )
        if key and (not isinstance(name, str) or objective is None):
            hint = nearest(name, bases) if isinstance(bases, dict) else ""
            raise bad_input(f"there is no base template {str(name)[:80]!r}{hint}", where)
        is_test = not path or own.data.get("auto_generate") is True
        if objective is None and not (is_test and _MARKS_OF_AN_ENTRY & set(own.data)):
            return None
        defaults = self._part(path, "smart_defaults") if "smart_defaults" in own.data else None
        sources = [own, *([defaults] if defaults else []), *values]
        asked = [_objective_of(source.data) for source in sources]
        chosen = objective or next((wish for wish in reversed(asked) if wish), OBJECTIVES[0])
        base = _as_legacy(self.bundled(chosen))
        return base if defaults is None else lay_over(base, _by_part(defaults))

    def _part(self, path: KeyPath, key: str) -> Document:
        part = self._below((*path, key))
        if not isinstance(part.data, dict):
            where = self.document.where((*path, key))
            raise bad_input("must be a mapping to lay over the entry", where)
        return part

    def _at(self, path: KeyPath) -> Any:
        data: Any = self.document.data
        for step in path:
            data = data[step]
        return data

    def _below(self, path: KeyPath) -> Document:
        """Return the part of the document below a path, which keeps its lines and full keys."""
        if not self._marks:
            for known, mark in self.document.marks.items():
                self._marks.setdefault(known[:2], {})[known] = mark
        size = len(path)
        near = [self._marks.get(path[:2], {})]
        if size < 2:
            near = [marks for start, marks in self._marks.items() if start[:size] == path]
        marks = {
            known[size:]: mark
            for group in near
            for known, mark in group.items()
            if known[:size] == path
        }
        keys = {known: path_text((*path, *known)) for known in marks}
        return Document(self._at(path), marks, keys)


def _objective_of(data: Mapping[str, Any]) -> str | None:
    campaign = data.get("campaign")
    text = campaign.get("objective") if isinstance(campaign, dict) else data.get("objective")
    return word(text) if isinstance(text, str) and word(text) in OBJECTIVES else None


def _as_legacy(document: Document) -> Document:
    """Return a bundled profile as a base: one line item, its creatives beside it."""
    data = {**document.data}
    for key in ("name", "description"):
        data.pop(key, None)
    (item, *_) = data["line_items"]
    data["line_items"] = [
        {key: value for key, value in item.items() if key not in ("creatives", "name")}
    ]
    data["creatives"] = item["creatives"]
    return Document(data, document.marks, document.written_as)


def _by_part(document: Document) -> Document:
    """Return values with those that are written flat (`target_cpm: 20`) in the part that has them,
    and one line item or creative as a list of one."""
    parts = {
        "campaign": {*LegacyCampaign.model_fields, *CampaignPlan.model_fields} - {"name"},
        "line_items": {*LegacyLineItem.model_fields, *LineItemPlan.model_fields}
        - {"name", "creatives", "duration_seconds"},
        "creatives": {*LegacyCreative.model_fields, *CreativePlan.model_fields} - {"name"},
        "advertiser": {*LegacyAdvertiser.model_fields, *AdvertiserPlan.model_fields} - {"name"},
    }
    data: dict[str, Any] = {}
    moved: dict[str, KeyPath] = {}
    for key, value in document.data.items():
        part = next((part for part, keys in parts.items() if key in keys), None)
        if key in parts or part is None:
            is_one = key in ("line_items", "creatives") and isinstance(value, dict)
            is_one = is_one and not all(isinstance(step, int) for step in value)
            data[key] = [value] if is_one else value
            moved[str(key)] = (key, 0) if is_one else (key,)
        elif part in ("line_items", "creatives"):
            moved[key] = (part, 0, key)
        else:
            moved[key] = (part, key)
    for key, path in moved.items():
        if len(path) > 1 and path[-1] == key:
            holder = data.setdefault(str(path[0]), [{}] if path[1] == 0 else {})
            if len(path) == 3:
                holder = holder[0] if isinstance(holder, list) and holder else {}
            if isinstance(holder, dict):
                holder[key] = document.data[key]
    marks = {(*moved.get(str(known[0]), known[:1]), *known[1:]): mark
             for known, mark in document.marks.items() if known}  # fmt: skip
    keys = {(*moved.get(str(known[0]), known[:1]), *known[1:]): key
            for known, key in document.written_as.items() if known}  # fmt: skip
    return Document(data, marks, keys)


def lay_over(base: Document, over: Document) -> Document:
    """Return `over` on `base`: mappings merge key by key, and line items and creatives one by one,
    as many as `over` has."""
    below, above = {**base.data}, {**over.data}
    for key in ("line_items", "creatives"):
        known, items = below.get(key), above.get(key)
        if not (isinstance(known, list) and known and isinstance(items, list) and items):
            continue
        if all(isinstance(item, dict) for item in (*known, *items)):
            below[key] = [known[min(index, len(known) - 1)] for index in range(len(items))]
            above[key] = dict(enumerate(items))
    return merge(
        Document(below, base.marks, base.written_as), Document(above, over.marks, over.written_as)
    )


def _why_unused(key: str) -> str:
    if re.search("faker|auto|pattern", key):
        return "what is not given is made up from the seed (--seed)"
    if "constraint" in key:
        return "the data always keep their constraints"
    if "performance" in key:
        return "performance is always there; of it, default_hours is used for flights without dates"
    return "it has no meaning here"
