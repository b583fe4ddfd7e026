"""One entry of the older shape as a scenario document. Its keys point at the lines of the entry.

Nothing is dropped silently: what has another name here, and what has no meaning here, is remarked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from generator.enums import TargetingKey
from generator.scenario.errors import InputError, Problem, nearest
from generator.scenario.legacy_format import synonyms
from generator.scenario.legacy_format.shape import (
    HOURS_A_WEEK,
    LegacyAdvertiser,
    LegacyBudget,
    LegacyCampaign,
    LegacyCreative,
    LegacyEntry,
    LegacyFlight,
    LegacyLineItem,
    LegacyPart,
    LegacyPerformance,
)
from generator.scenario.legacy_format.synonyms import synonym, word
from generator.scenario.models import (
    PRE_ROLL_DURATIONS,
    AdvertiserPlan,
    CampaignPlan,
    CreativePlan,
    LineItemPlan,
)
from generator.scenario.overrides import paths
from generator.scenario.validation import input_error, model_of
from generator.scenario.yaml_file import Document, KeyPath, path_text
from generator.schema import Creative
from generator.schema.text_types import LONGEST

PLATFORM = "netflix_like"
# What an entry that leaves them open gets, as bundled profiles have it: the days between which a
# flight begins, how long it is, and how long an ad is.
START_BETWEEN = (date(2025, 7, 1), date(2025, 11, 5))
WEEKS = 4
DURATION_SECONDS = 15
_NEARLY_A_KEY = 0.8
_MOST_PLACES = 5
_HOST = re.compile(r"^(?P<who>[^@\s]+)@(?P<host>[^@\s]+)$")
# What entries have made up by groups of columns.
_GROUPS = {
    "advertiser", "audio_specs", "campaign", "campaign_completion", "created_at",
    "creative_generation", "creatives", "dates", "file_properties", "flight", "flight_dates",
    "line_items", "names", "performance", "performance_data", "targeting", "updated_at",
    "video_specs",
}  # fmt: skip


@dataclass
class Remarks:
    """What the reader of translations should know, each kind in one notice."""

    file: str
    words: dict[str, list[str]] = field(default_factory=dict)
    unused: dict[str, list[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def add(self, more: Remarks) -> None:
        """Take in what another translation of the same file remarks."""
        for own, new in ((self.words, more.words), (self.unused, more.unused)):
            for text, places in new.items():
                own.setdefault(text, []).extend(places)
        self.others += more.others

    def notices(self) -> tuple[str, ...]:
        """Return the notices: the single ones, one about words, one about what is not used."""
        found = list(dict.fromkeys(self.others))
        if self.words:
            found.append(f"{self.file}: {_list_places(self.words)}")
        if self.unused:
            found.append(f"{self.file}: not used: {_list_places(self.unused)}")
        return tuple(found)


def _list_places(texts: Mapping[str, list[str]]) -> str:
    parts = []
    for text, places in texts.items():
        lines = [place for place in dict.fromkeys(places) if place]
        shown = ", ".join(lines[:_MOST_PLACES]) + (" …" if len(lines) > _MOST_PLACES else "")
        parts.append(f"{text} (line {shown})" if shown else text)
    return "; ".join(parts)


@dataclass(frozen=True)
class Translation:
    """A scenario document made from an entry, and what the reader should know of it."""

    document: Document
    remarks: Remarks


def translate(name: str, entry: Document, default_hours: int | None = None) -> Translation:
    """Return an entry as a scenario document. Raises InputError with all that is wrong with it.

    `default_hours` is how long a flight lasts of which nothing is said.
    """
    problems = list(_misspelt_keys(entry))
    try:
        legacy = model_of(entry, LegacyEntry)
        translation = _Translator(name, entry, legacy, default_hours).translation()
    except InputError as error:
        raise input_error([*problems, *error.problems]) from error
    if problems:
        raise input_error(problems)
    return translation


def _misspelt_keys(entry: Document) -> Iterator[Problem]:
    """Yield the keys that are nearly one with a meaning."""
    for path, data, models in _parts(entry.data):
        known = {name for model in models for name in model.model_fields} | {"faker_auto"}
        for key in data:
            near = key not in known and get_close_matches(str(key), known, 1, _NEARLY_A_KEY)
            if near and key not in Creative.model_fields:
                where = entry.where((*path, key))
                yield Problem(where, f"unknown key; did you mean {near[0]!r}?")


def _parts(entry: Any) -> Iterator[tuple[KeyPath, dict[Any, Any], tuple[type[BaseModel], ...]]]:
    """Yield the mappings in an entry with the models of what they may hold."""
    campaign = entry.get("campaign")
    parts: list[tuple[KeyPath, Any, tuple[type[BaseModel], ...]]] = [
        ((), entry, (LegacyEntry,)),
        (("advertiser",), entry.get("advertiser"), (LegacyAdvertiser, AdvertiserPlan)),
        (("campaign",), campaign, (LegacyCampaign, CampaignPlan)),
        (("performance",), entry.get("performance"), (LegacyPerformance,)),
    ]
    if isinstance(campaign, dict):
        parts.append((("campaign", "flight"), campaign.get("flight"), (LegacyFlight,)))
        parts.append((("campaign", "budget"), campaign.get("budget"), (LegacyBudget,)))
    holders: list[tuple[KeyPath, Any]] = [((), entry)]
    items = entry.get("line_items")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        parts.append((("line_items", index), item, (LegacyLineItem, LineItemPlan)))
        holders.append((("line_items", index), item))
    for path, holder in holders:
        ads = holder.get("creatives") if isinstance(holder, dict) else None
        for index, ad in enumerate(ads if isinstance(ads, list) else ()):
            parts.append(((*path, "creatives", index), ad, (LegacyCreative, CreativePlan)))
    yield from ((path, data, models) for path, data, models in parts if isinstance(data, dict))


class _Translator:
    """Builds one scenario document key by key, remembering where each came from."""

    def __init__(
        self, name: str, source: Document, entry: LegacyEntry, default_hours: int | None
    ) -> None:
        self.source = source
        self.entry = entry
        self.name = name
        self.default_hours = default_hours
        self.data: dict[str, Any] = {}
        self.origin: dict[KeyPath, KeyPath] = {}
        self.problems: list[Problem] = []
        self.remarks = Remarks(source.where(()).partition(":")[0])

    def translation(self) -> Translation:
        """Return the scenario document of the entry. Raises InputError."""
        self.data["name"] = _template_name(self.name)
        self.origin["name",] = ()
        self.data["description"] = _one_line(self.entry.description or self.name)
        self.origin["description",] = ("description",)
        self._faker_auto(("faker_auto",), self.entry.faker_auto)
        self._others((), self.entry)
        if self.entry.advertiser:
            self.data["advertiser"] = self._advertiser(self.entry.advertiser)
            self.origin["advertiser",] = ("advertiser",)
        self.data["campaign"] = self._campaign(self.entry.campaign)
        self.origin["campaign",] = ("campaign",)
        self.data["line_items"] = [
            self._line_item(index, item) for index, item in enumerate(self.entry.line_items)
        ]
        self.origin["line_items",] = ("line_items",)
        self._performance(self.entry.performance)
        if self.problems:
            raise input_error(self.problems)
        places = {own: self._place(older) for own, older in self.origin.items()}
        marks = {
            own: self.source.marks[place]
            for own, place in places.items()
            if place in self.source.marks
        }
        keys = {
            own: self.source.written_as.get(older, path_text(older)) or path_text(own)
            for own, older in self.origin.items()
        }
        return Translation(Document(self.data, marks, keys), self.remarks)

    def _place(self, path: KeyPath) -> KeyPath:
        while path and path not in self.source.marks:
            path = path[:-1]
        return path

    def _line(self, path: KeyPath) -> str:
        mark = self.source.marks.get(self._place(path))
        return str(mark.line) if mark and mark.line else ""

    def _problem(self, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(self.source.where(path), text))

    def _unused(self, path: KeyPath, why: str) -> None:
        self.remarks.unused.setdefault(f"{path_text(path)}: {why}", []).append(self._line(path))

    def _word(self, path: KeyPath, text: str, table: Mapping[str, str]) -> str:
        """Return a word in the project's vocabulary, with a remark where it has another name."""
        known = synonym(text, table)
        if known != word(text):
            remark = f"{text[:80]} is read as {known}"
            self.remarks.words.setdefault(remark, []).append(self._line(path))
        return known

    def _others(
        self,
        path: KeyPath,
        part: LegacyPart,
        own_model: type[BaseModel] | None = None,
        why: str = "it has no meaning here",
    ) -> dict[str, Any]:
        """Return the other keys of a part that the project's own shape has; any other is
        remarked."""
        own = set(own_model.model_fields) if own_model else set()
        passed = {}
        for key, value in part.others.items():
            here = (*path, key)
            if key in own:
                passed[key] = value
            elif key == "faker_auto":
                self._faker_auto(here, value)
            else:
                self._unused(here, why)
        return passed

    def _fill(self, own: KeyPath, older: KeyPath, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values without the missing ones, each pointing at the older key of its name."""
        given = {key: value for key, value in values.items() if value is not None}
        for key, value in given.items():
            self._point((*own, key), (*older, key), value)
        return given

    def _point(self, own: KeyPath, older: KeyPath, value: Any) -> None:
        self.origin[own] = older
        if isinstance(value, dict | list):
            for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
                self._point((*own, step), (*older, step), inner)

    def _faker_auto(self, path: KeyPath, asked: Any) -> None:
        """Check what is to be made up: anything that is not given is."""
        known = {path_text(known) for known in paths(LegacyEntry)} | _GROUPS
        known |= {name.rpartition(".")[2] for name in known}
        known |= {*AdvertiserPlan.model_fields, *CampaignPlan.model_fields, *Creative.model_fields}
        for index, name in enumerate(asked if isinstance(asked, list | dict) else ()):
            plain = re.sub(r"\[\d+\]", "[0]", str(name))
            if plain in known or plain.rpartition(".")[2] in known:
                continue
            place = (*path, index if isinstance(asked, list) else name)
            if get_close_matches(plain, known, n=1, cutoff=_NEARLY_A_KEY):
                self._problem(place, f"{plain[:80]!r} cannot be made up{nearest(plain, known)}")
            else:
                self._unused(place, f"{plain[:80]} is not a column that is made up")

    def _advertiser(self, older: LegacyAdvertiser) -> dict[str, Any]:
        here: KeyPath = ("advertiser",)
        given = {name: getattr(older, name) for name in LegacyAdvertiser.model_fields}
        others = self._others(here, older, AdvertiserPlan, "advertisers have no such detail here")
        plan = self._fill(here, here, {**given, **others})
        if older.industry:
            plan["industry"] = self._word((*here, "industry"), older.industry, synonyms.INDUSTRIES)
        match = _HOST.match(older.contact_email or "")
        if match and not match["host"].lower().endswith(".example"):
            host = re.sub(r"[^a-z0-9-]+", "-", match["host"].lower().rpartition(".")[0]) or "brand"
            plan["contact_email"] = f"{match['who']}@{host.strip('-')}.example"
            where = self.source.where((*here, "contact_email"))
            made = plan["contact_email"]
            self.remarks.others.append(f"{where}: addresses end in .example: {made}")
        return plan

    def _campaign(self, older: LegacyCampaign) -> dict[str, Any]:
        here: KeyPath = ("campaign",)
        others = self._others(here, older, CampaignPlan)
        dsp = None
        is_direct = False
        if older.dsp_partner is not None:
            is_direct = word(older.dsp_partner) in synonyms.NO_DSP
            if not is_direct:
                dsp = self._word((*here, "dsp_partner"), older.dsp_partner, synonyms.DSPS)
        if older.status is not None:
            self._unused((*here, "status"), "the status follows from the dates of the flight")
        given = {
            "name": older.name,
            "objective": word(older.objective),
            "dsp_partner": dsp,
            "target_cpm": older.target_cpm,
            "currency": older.currency.upper(),
            "brand_lift_enabled": older.brand_lift_enabled,
            "attention_metrics_enabled": older.attention_metrics_enabled,
        }
        plan = self._fill(here, here, {"platform": PLATFORM, **others, **given})
        if is_direct or (dsp is None and "buy_type" not in others):
            plan["buy_type"] = "DIRECT_IO"
        elif "buy_type" not in others:
            plan["buy_type"] = "PROGRAMMATIC_GUARANTEED"
        if "buy_type" not in others:
            self.origin["campaign", "buy_type"] = ("campaign", "dsp_partner")
        plan["budget"] = self._budget(older)
        self._flights(plan, older)
        return plan

    def _budget(self, older: LegacyCampaign) -> dict[str, Any]:
        here: KeyPath = ("campaign", "budget")
        self.origin[here] = here
        self.origin[*here, "type"] = ("campaign", "budget_type")
        kind = word(older.budget_type or "LIFETIME")
        if not isinstance(older.budget, LegacyBudget):
            self.origin[*here, "amount"] = here
            return {"amount": older.budget, "type": kind}
        self.origin[*here, "amount"] = (*here, "amount")
        self._others(here, older.budget)
        currency = older.budget.currency
        if currency and currency.upper() != older.currency.upper():
            self._problem(
                (*here, "currency"),
                f"{currency[:80]} is not the currency of the campaign, {older.currency[:80]}",
            )
        if older.budget.type is not None:
            self.origin[*here, "type"] = (*here, "type")
            if older.budget_type and kind != word(older.budget.type):
                self._unused(("campaign", "budget_type"), "budget.type says it")
            kind = word(older.budget.type)
        return {"amount": older.budget.amount, "type": kind}

    def _flights(self, plan: dict[str, Any], older: LegacyCampaign) -> None:
        """Give the campaign its flights: of the days that are given, else of the hours that are
        asked for, else those that it inherits, else four weeks."""
        own: KeyPath = ("campaign", "flights")
        hours = self.entry.performance.hours if self.entry.performance else None
        flight = older.flight
        place: KeyPath = ("campaign", "flight")
        if flight is None and older.start_date is not None and older.end_date is not None:
            flight = LegacyFlight(start_date=older.start_date, end_date=older.end_date)
            place = ("campaign",)
        if flight is None and hours is None and plan.get("flights"):
            return
        self.origin[own] = self.origin[*own, 0] = place
        if flight is None:
            plan["flights"] = [{"weeks": self._weeks(hours), "start_between": list(START_BETWEEN)}]
            return
        days = {}
        for key in ("start_date", "end_date"):
            self.origin[*own, 0, key] = (*place, key)
            days[key] = self._day((*place, key), getattr(flight, key))
        plan["flights"] = [days]
        self._others(place, flight)
        if hours is not None:
            self._unused(("performance", "hours"), "the hours are those of the flight")

    def _weeks(self, hours: int | None) -> int:
        """Return the length of a flight without dates: whole weeks that hold the hours."""
        hours = hours or self.default_hours
        if hours is None:
            return WEEKS
        weeks = -(-hours // HOURS_A_WEEK)
        if hours != weeks * HOURS_A_WEEK:
            where = self.source.where(("performance", "hours"))
            remark = f"{where}: a flight without dates lasts whole weeks, {weeks} of them"
            self.remarks.others.append(remark)
        return weeks

    def _day(self, path: KeyPath, value: date | datetime | str) -> date | None:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            self._problem(path, f"{value[:80]!r} is not a date; write it as 2025-09-01")
            return None

    def _line_item(self, index: int, older: LegacyLineItem) -> dict[str, Any]:
        here: KeyPath = ("line_items", index)
        self.origin[here] = here
        plan = self._fill(
            here,
            here,
            {
                **self._others(here, older, LineItemPlan),
                "name": older.name,
                "bid_cpm": older.bid_cpm,
                "pacing_pct": _whole(older.pacing_pct),
            },
        )
        for key, own, table in (
            ("ad_format", "ad_format", synonyms.AD_FORMATS),
            ("geo_tier", "geo_tier", synonyms.GEO_TIERS),
            ("ad_server_type", "ad_server_type", synonyms.AD_SERVERS),
            ("pixel_vendor", "verification_vendor", synonyms.VENDORS),
        ):
            self.origin[*here, own] = (*here, key)
            if (value := getattr(older, key)) is not None:
                plan[own] = self._word((*here, key), value, table)
        plan["targeting"] = self._targeting(here, older)
        ad_format = plan.get("ad_format", "STANDARD_VIDEO")
        plan["creatives"] = self._creatives(here, older, ad_format)
        is_interactive = any(creative.get("is_interactive") for creative in plan["creatives"])
        if is_interactive and ad_format == "STANDARD_VIDEO":
            plan["ad_format"] = "INTERACTIVE_OVERLAY"
            remark = "STANDARD_VIDEO with an interactive creative is read as INTERACTIVE_OVERLAY"
            self.remarks.words.setdefault(remark, []).append(self._line((*here, "ad_format")))
        return plan

    def _targeting(self, here: KeyPath, older: LegacyLineItem) -> dict[str, list[str]]:
        own, place = (*here, "targeting"), (*here, "targeting_json")
        given = older.targeting_json
        if given is None and older.targeting is not None:
            place, given = (*here, "targeting"), older.targeting
        self.origin[own] = place
        lists: dict[str, list[str]] = {}
        known = {str(key) for key in TargetingKey}
        for key, value in (self._json(place, given, dict) or {}).items():
            target = synonym(str(key), synonyms.TARGETING_KEYS)
            if target in lists:
                self._problem(place, f"{target} is given twice")
            elif target in known:
                self.origin[*own, target] = place
                lists[target] = self._segments(place, target, value)
            elif get_close_matches(target, known, n=1, cutoff=_NEARLY_A_KEY):
                self._problem(place, f"unknown key {key!r}{nearest(target, known)}")
            else:
                self._unused(place, f"{str(key)[:80]} cannot be targeted here")
        self._device_targets((*here, "device_targets_json"), own, older, lists)
        return lists

    def _device_targets(
        self, place: KeyPath, own: KeyPath, older: LegacyLineItem, lists: dict[str, list[str]]
    ) -> None:
        devices = self._json(
            place, older.device_targets_json, list, {"DEVICE", "PLATFORM", "BROWSER"}
        )
        if isinstance(devices, dict):
            for key in devices.keys() - {"DEVICE"}:
                self._unused(place, f"{str(key)[:80]} cannot be targeted here, devices can")
            devices = devices.get("DEVICE")
        if not devices:
            return
        targeted = self._segments(place, "DEVICE", devices)
        if set(lists.get("DEVICE", targeted)) != set(targeted):
            self._problem(place, "differs from DEVICE in targeting_json; give one")
        self.origin[*own, "DEVICE"] = place
        lists["DEVICE"] = targeted

    def _segments(self, place: KeyPath, key: str, value: Any) -> list[str]:
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in values):
            self._problem(place, f"{key} must be a list of words")
            return []
        tables = {"DEVICE": synonyms.DEVICES, "CONTENT_GENRE": synonyms.GENRES}
        if key in tables:
            values = [self._word(place, str(item), tables[key]) for item in values]
        return list(dict.fromkeys(str(item) for item in values))

    def _json(self, place: KeyPath, given: Any, kind: type, or_keys: Iterable[str] = ()) -> Any:
        """Return what JSON in a string holds, or the given value if it is not a string: a value
        of `kind`, or a mapping with one of the keys `or_keys`."""
        value = given
        if isinstance(given, str):
            try:
                value = json.loads(given, object_pairs_hook=_without_repeats)
            except (ValueError, RecursionError) as error:
                self._problem(place, f"is not JSON: {error}")
                return None
        is_other = isinstance(value, dict) and bool(set(value) & set(or_keys))
        if value is not None and not isinstance(value, kind) and not is_other:
            name = "an object of lists" if kind is dict else "a list"
            self._problem(place, f"must be a JSON string with {name} in it")
            return None
        return value

    def _creatives(
        self, here: KeyPath, older: LegacyLineItem, ad_format: str
    ) -> list[dict[str, Any]]:
        self.origin[*here, "creatives"] = (*here, "creatives")
        listed: list[tuple[KeyPath, LegacyCreative]] = [
            ((*here, "creatives", index), ad) for index, ad in enumerate(older.creatives or ())
        ]
        shared: list[tuple[KeyPath, LegacyCreative]] = [
            (("creatives", index), ad) for index, ad in enumerate(self.entry.creatives or ())
        ]
        if listed and all(item.creatives for item in self.entry.line_items):
            # Properties of files alone are no ad beside those of the line items.
            shared = [(place, ad) for place, ad in shared if ad.name or ad.duration_seconds]
            listed += shared
        listed = listed or shared or [((*here, "duration_seconds"), LegacyCreative())]
        return [
            self._creative((*here, "creatives", index), place, ad, older, ad_format)
            for index, (place, ad) in enumerate(listed)
        ]

    def _creative(
        self,
        own: KeyPath,
        place: KeyPath,
        older: LegacyCreative,
        item: LegacyLineItem,
        ad_format: str,
    ) -> dict[str, Any]:
        self.origin[own] = place
        plan = self._fill(
            own,
            place,
            {
                **self._others(
                    place, older, CreativePlan, "the file of a creative is made up; not used"
                ),
                "name": older.name,
                "is_skippable": older.is_skippable,
                "is_interactive": older.is_interactive,
                "has_qr_code": older.has_qr_code,
            },
        )
        if older.qr_code_url is not None:
            plan.setdefault("has_qr_code", True)
            self._unused((*place, "qr_code_url"), "the address of a QR code is made up")
        is_still = ad_format == "PAUSE_AD"
        given = item.duration_seconds if older.duration_seconds is None else older.duration_seconds
        duration = None if is_still else DURATION_SECONDS if given is None else given
        source = own[:2] if older.duration_seconds is None else place
        if duration is not None:
            plan["duration_seconds"] = duration
            self.origin[*own, "duration_seconds"] = (*source, "duration_seconds")
        elif given is not None:
            why = "a pause ad is a still image; not used"
            self._unused((*source, "duration_seconds"), why)
        fitting = "PRE_ROLL" if duration in PRE_ROLL_DURATIONS else "MID_ROLL"
        plan["placement"] = "PAUSE" if is_still else fitting
        self.origin[*own, "placement"] = (*place, "placement")
        if older.placement:
            plan["placement"] = self._word(
                (*place, "placement"), older.placement, synonyms.PLACEMENTS
            )
        return plan

    def _performance(self, older: LegacyPerformance | None) -> None:
        if older is None:
            return
        here: KeyPath = ("performance",)
        unused: Iterable[tuple[str, bool, str]] = (
            ("generate", not older.generate, "a campaign always comes with its performance"),
            ("seed", older.seed is not None, "the seed is that of the run (--seed)"),
            ("replace", bool(older.replace), "earlier rows of other campaigns always stay"),
            ("type", older.type != "both", "both kinds of columns are always there"),
        )
        for key, applies, text in unused:
            if applies and key in older.model_fields_set:
                self._unused((*here, key), text)
        self._others(here, older)


def _template_name(name: str) -> str:
    """Return an entry's name as a template may have it: small letters, digits, underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"entry_{plain}".strip("_"))[:63]


def _one_line(text: str) -> str:
    """Return a description without its line breaks, and no longer than one may be."""
    line = " ".join(text.split()) or "-"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the mapping of a JSON object. Raises ValueError for a key that is given twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() else value
