"""The older shape of templates, read into the project's own.

One file holds many entries under `examples:` or `profiles:`, amounts and targeting are flat or JSON
in a string, and an entry inherits from `base_templates:`. Each entry becomes one scenario document
whose keys still point at the lines they came from. Nothing is dropped silently: an unknown key is
an error, and what has no meaning here is told in a notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from generator.enums import TargetingKey
from generator.scenario import synonyms
from generator.scenario.errors import bad_input, nearest
from generator.scenario.models import PRE_ROLL_DURATIONS, AdvertiserPlan, CreativePlan
from generator.scenario.overrides import paths
from generator.scenario.synonyms import known_as, word
from generator.scenario.validation import validated
from generator.scenario.yaml_file import Document, KeyPath, dotted, merged
from generator.schema import Creative
from generator.schema.text_types import LONGEST

PLATFORM = "netflix_like"
SECTIONS = ("examples", "profiles")
# What an entry that leaves them open gets, as bundled profiles have it: the days between which a
# flight begins, how long it is, and how long an ad is.
START_BETWEEN = (date(2025, 7, 1), date(2025, 11, 5))
WEEKS, MOST_WEEKS = 4, 104
DURATION_SECONDS = 15
_HOURS_A_WEEK = 168
_HOST = re.compile(r"^(?P<who>[^@\s]+)@(?P<host>[^@\s]+)$")

Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Moment = Annotated[date, Field(strict=True)] | Annotated[datetime, Field(strict=True)] | str


class Older(BaseModel):
    """Base of the older shape: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class OlderAdvertiser(Older):
    """Who pays."""

    name: str | None = None
    contact_email: str | None = None
    brand: str | None = None
    agency_name: str | None = None
    industry: str | None = None


class OlderFlight(Older):
    """The days of the campaign, both included."""

    start_date: Moment
    end_date: Moment


class OlderBudget(Older):
    """The amount, in units of the currency."""

    amount: Number
    type: str | None = None
    currency: str | None = None


class OlderCampaign(Older):
    """What is bought; `status` follows from the dates."""

    name: str | None = None
    objective: str
    status: str | None = None
    target_cpm: Number
    dsp_partner: str | None = None
    currency: str = "USD"
    budget_type: str | None = None
    flight: OlderFlight | None = None
    budget: OlderBudget | Number


class OlderCreative(Older):
    """One ad; the columns of `raw.creatives` that describe its file may be named, and are made."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    duration_seconds: Whole | None = None
    placement: str | None = None
    qr_code_url: str | None = None


class OlderLineItem(Older):
    """What is bought in one format, with the targeting as JSON."""

    name: str | None = None
    ad_format: str | None = None
    bid_cpm: Number | None = None
    pacing_pct: Number | None = None
    targeting_json: str | None = None
    device_targets_json: str | None = None
    geo_tier: str | None = None
    duration_seconds: Whole | None = None
    ad_server_type: str | None = None
    pixel_vendor: str | None = None
    creatives: list[OlderCreative] | None = None


class OlderPerformance(Older):
    """How hourly performance was asked for."""

    generate: bool = True
    type: Literal["normal", "extended", "both"] = "normal"
    seed: int | None = None
    hours: Annotated[int, Field(strict=True, ge=1, le=MOST_WEEKS * _HOURS_A_WEEK)] | None = None
    replace: bool | None = None


class OlderEntry(Older):
    """One example or profile."""

    description: str | None = None
    strategy: Any = None
    results: Any = None
    focus: Any = None
    faker_auto: list[str] | None = None
    advertiser: OlderAdvertiser | None = None
    campaign: OlderCampaign
    line_items: Annotated[list[OlderLineItem], Field(min_length=1)]
    creatives: list[OlderCreative] | None = None
    performance: OlderPerformance | None = None


class OlderTemplate(Older):
    """A whole file."""

    description: str | None = None
    version: Any = None
    base_templates: dict[str, Any] = {}
    examples: dict[str, Any] | list[Any] = {}
    profiles: dict[str, Any] | list[Any] = {}


@dataclass(frozen=True)
class Translation:
    """A scenario document made from an entry, and what the reader should know of it."""

    document: Document
    notices: tuple[str, ...]


def is_older(data: Any) -> bool:
    """Whether a file has the older shape: entries, not names, under `examples` or `profiles`."""
    if not isinstance(data, dict):
        return False
    listed = [data.get(section) for section in SECTIONS]
    entries = [
        isinstance(each, dict)
        or (isinstance(each, list) and any(isinstance(i, dict) for i in each))
        for each in listed
    ]
    return any(entries) or "base_templates" in data


def entries(document: Document) -> dict[str, KeyPath]:
    """The names of a file's entries, and the path of each. Raises InputError."""
    template = validated(document, OlderTemplate)
    found: dict[str, KeyPath] = {}
    for section in SECTIONS:
        listed = getattr(template, section)
        for key, entry in listed.items() if isinstance(listed, dict) else enumerate(listed):
            path = (section, key)
            if not isinstance(entry, dict):
                raise bad_input("must be a mapping with a campaign", document.where(path))
            name = str(entry.get("name", "")) if isinstance(listed, list) else str(key)
            if not name:
                raise bad_input("an entry of a list needs a name", document.where(path))
            if name in found:
                raise bad_input(f"{name!r} is given twice", document.where(path))
            found[name] = path
    if not found:
        raise bad_input("has no entry under examples: or profiles:", document.where(()))
    return found


def translated(document: Document, name: str) -> Translation:
    """One entry of a file as a scenario document. Raises InputError."""
    known = entries(document)
    if name not in known:
        where = document.where(())
        raise bad_input(f"there is no entry {name!r}{nearest(name, set(known))}", where)
    entry = _inherited(document, known[name], ())
    return _Translator(name, entry, validated(entry, OlderEntry)).translation()


def _inherited(document: Document, path: KeyPath, chain: tuple[str, ...]) -> Document:
    """An entry on top of its base template, its test values on top of both."""
    own = _below(document, path)
    data = dict(own.data)
    base_name, test_values = data.pop("base_template", None), data.pop("test_values", None)
    if path[0] in SECTIONS and isinstance(path[1], int):
        data.pop("name", None)
    over = Document(data, own.marks, own.written_as)
    result = over
    if base_name is not None:
        bases = document.data.get("base_templates") or {}
        where = own.where(("base_template",))
        if not isinstance(base_name, str) or not isinstance(bases.get(base_name), dict):
            raise bad_input(
                f"there is no base template {base_name!r}{nearest(base_name, set(bases))}", where
            )
        if base_name in chain:
            raise bad_input(f"base templates in a circle: {' → '.join((*chain, base_name))}", where)
        base = _inherited(document, ("base_templates", base_name), (*chain, base_name))
        result = merged(base, over)
    if test_values is not None:
        if not isinstance(test_values, dict):
            raise bad_input("must be a mapping to lay over the entry", own.where(("test_values",)))
        result = merged(result, _below(own, ("test_values",)))
    return result


def _below(document: Document, path: KeyPath) -> Document:
    """The part of a document below a path, which keeps its lines and its full keys."""
    data: Any = document.data
    for step in path:
        data = data[step]
    size = len(path)
    marks = {each[size:]: mark for each, mark in document.marks.items() if each[:size] == path}
    keys = {each: document.written_as.get((*path, *each), dotted((*path, *each))) for each in marks}
    return Document(data, marks, keys)


class _Translator:
    """Builds one scenario document key by key, remembering where each came from."""

    def __init__(self, name: str, source: Document, entry: OlderEntry) -> None:
        self.source = source
        self.entry = entry
        self.name = name
        self.data: dict[str, Any] = {}
        self.origin: dict[KeyPath, KeyPath] = {}
        self.notices: list[str] = []

    def translation(self) -> Translation:
        """The scenario document of the entry."""
        self.data["name"] = _template_name(self.name)
        self.origin["name",] = ()
        self.data["description"] = _one_line(self.entry.description or self.name)
        self.origin["description",] = ("description",)
        self._check_faker_auto()
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
        places = {own: self._place(older) for own, older in self.origin.items()}
        marks = {
            own: self.source.marks[place]
            for own, place in places.items()
            if place in self.source.marks
        }
        keys = {
            own: self.source.written_as.get(older, dotted(older)) or dotted(own)
            for own, older in self.origin.items()
        }
        return Translation(Document(self.data, marks, keys), tuple(self.notices))

    def _place(self, path: KeyPath) -> KeyPath:
        while path and path not in self.source.marks:
            path = path[:-1]
        return path

    def _notice(self, path: KeyPath, text: str) -> None:
        self.notices.append(f"{self.source.where(path)}: {text}")

    def _word(self, path: KeyPath, text: str, table: Mapping[str, str]) -> str:
        """A word in the project's vocabulary, with a notice where it has another name here."""
        known = known_as(text, table)
        if known != word(text):
            self._notice(path, f"{text} is read as {known}")
        return known

    def _fill(self, own: KeyPath, older: KeyPath, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values without the missing ones, each pointing at the older key of the same name."""
        given = {key: value for key, value in values.items() if value is not None}
        for key in given:
            self.origin[(*own, key)] = (*older, key)
        return given

    def _check_faker_auto(self) -> None:
        made_up = {dotted(path) for path in paths(OlderEntry)} | set(AdvertiserPlan.model_fields)
        made_up |= {"creatives", "dates", "flight", "names"}
        for index, each in enumerate(self.entry.faker_auto or ()):
            if re.sub(r"\[\d+\]", "[0]", each) not in made_up:
                where = self.source.where(("faker_auto", index))
                raise bad_input(f"{each!r} cannot be made up{nearest(each, made_up)}", where)

    def _advertiser(self, older: OlderAdvertiser) -> dict[str, Any]:
        here: KeyPath = ("advertiser",)
        plan = self._fill(here, here, older.model_dump())
        if older.industry:
            plan["industry"] = self._word((*here, "industry"), older.industry, synonyms.INDUSTRIES)
        match = _HOST.match(older.contact_email or "")
        if match and not match["host"].lower().endswith(".example"):
            host = re.sub(r"[^a-z0-9-]+", "-", match["host"].lower().rpartition(".")[0]) or "brand"
            plan["contact_email"] = f"{match['who']}@{host.strip('-')}.example"
            self._notice(
                (*here, "contact_email"), f"addresses end in .example: {plan['contact_email']}"
            )
        return plan

    def _campaign(self, older: OlderCampaign) -> dict[str, Any]:
        here: KeyPath = ("campaign",)
        dsp = None
        if older.dsp_partner is not None and word(older.dsp_partner) not in synonyms.NO_DSP:
            dsp = self._word((*here, "dsp_partner"), older.dsp_partner, synonyms.DSPS)
        if older.status is not None:
            self._notice((*here, "status"), "the status follows from the dates of the flight")
        plan = self._fill(
            here,
            here,
            {
                "name": older.name,
                "objective": word(older.objective),
                "dsp_partner": dsp,
                "target_cpm": older.target_cpm,
                "currency": older.currency.upper(),
            },
        )
        plan["platform"] = PLATFORM
        plan["buy_type"] = "DIRECT_IO" if dsp is None else "PROGRAMMATIC_GUARANTEED"
        self.origin["campaign", "buy_type"] = ("campaign", "dsp_partner")
        plan["budget"] = self._budget(older)
        plan["flights"] = [self._flight(older.flight)]
        self.origin["campaign", "flights"] = ("campaign", "flight")
        self.origin["campaign", "flights", 0] = ("campaign", "flight")
        return plan

    def _budget(self, older: OlderCampaign) -> dict[str, Any]:
        here: KeyPath = ("campaign", "budget")
        self.origin[here] = here
        self.origin[*here, "type"] = ("campaign", "budget_type")
        if not isinstance(older.budget, OlderBudget):
            self.origin[*here, "amount"] = here
            return {"amount": older.budget, "type": word(older.budget_type or "LIFETIME")}
        self.origin[*here, "amount"] = (*here, "amount")
        if older.budget.currency and older.budget.currency.upper() != older.currency.upper():
            raise bad_input(
                f"{older.budget.currency} is not the currency of the campaign, {older.currency}",
                self.source.where((*here, "currency")),
            )
        if older.budget.type is None:
            return {"amount": older.budget.amount, "type": word(older.budget_type or "LIFETIME")}
        self.origin[*here, "type"] = (*here, "type")
        kind = word(older.budget.type)
        if older.budget_type and word(older.budget_type) != kind:
            self._notice(("campaign", "budget_type"), f"budget.type is used, {kind}")
        return {"amount": older.budget.amount, "type": kind}

    def _flight(self, older: OlderFlight | None) -> dict[str, Any]:
        own: KeyPath = ("campaign", "flights", 0)
        if older is None:
            return {"weeks": self._weeks(), "start_between": list(START_BETWEEN)}
        days = {}
        for key in ("start_date", "end_date"):
            self.origin[*own, key] = ("campaign", "flight", key)
            days[key] = _day(getattr(older, key), self.source.where(("campaign", "flight", key)))
        return days

    def _weeks(self) -> int:
        """The length of a flight without dates: whole weeks that hold the hours asked for."""
        hours = self.entry.performance.hours if self.entry.performance else None
        if hours is None:
            return WEEKS
        weeks = -(-hours // _HOURS_A_WEEK)
        if hours != weeks * _HOURS_A_WEEK:
            place = ("performance", "hours")
            self._notice(place, f"a flight without dates lasts whole weeks, {weeks} of them")
        return weeks

    def _line_item(self, index: int, older: OlderLineItem) -> dict[str, Any]:
        here: KeyPath = ("line_items", index)
        self.origin[here] = here
        plan = self._fill(
            here,
            here,
            {
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
        plan["creatives"] = self._creatives(here, older, plan.get("ad_format", "STANDARD_VIDEO"))
        return plan

    def _targeting(self, here: KeyPath, older: OlderLineItem) -> dict[str, list[str]]:
        own, place = (*here, "targeting"), (*here, "targeting_json")
        self.origin[own] = place
        lists: dict[str, list[str]] = {}
        for key, value in self._json(place, older.targeting_json, dict).items():
            target = known_as(str(key), synonyms.TARGETING_KEYS)
            if target not in set(TargetingKey):
                hint = nearest(target, {str(each) for each in TargetingKey})
                raise bad_input(f"unknown key {key!r}{hint}", self.source.where(place))
            if target in lists:
                raise bad_input(f"{target} is given twice", self.source.where(place))
            self.origin[*own, target] = place
            lists[target] = self._segments(place, target, value)
        place = (*here, "device_targets_json")
        devices = self._json(place, older.device_targets_json, list)
        if devices:
            targeted = self._segments(place, "DEVICE", devices)
            if set(lists.get("DEVICE", targeted)) != set(targeted):
                raise bad_input(
                    "differs from DEVICE in targeting_json; give one", self.source.where(place)
                )
            self.origin[*own, "DEVICE"] = place
            lists["DEVICE"] = targeted
        return lists

    def _segments(self, place: KeyPath, key: str, value: Any) -> list[str]:
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
            raise bad_input(f"{key} must be a list of words", self.source.where(place))
        tables = {"DEVICE": synonyms.DEVICES, "CONTENT_GENRE": synonyms.GENRES}
        if key in tables:
            values = [self._word(place, str(each), tables[key]) for each in values]
        return list(dict.fromkeys(str(each) for each in values))

    def _json(self, place: KeyPath, text: str | None, kind: type) -> Any:
        if text is None:
            return kind()
        try:
            value = json.loads(text, object_pairs_hook=_once_each)
        except (ValueError, RecursionError) as error:
            raise bad_input(f"is not JSON: {error}", self.source.where(place)) from error
        if not isinstance(value, kind):
            name = "an object of lists" if kind is dict else "a list"
            raise bad_input(f"must be a JSON string with {name} in it", self.source.where(place))
        return value

    def _creatives(
        self, here: KeyPath, older: OlderLineItem, ad_format: str
    ) -> list[dict[str, Any]]:
        self.origin[*here, "creatives"] = (*here, "creatives")
        listed: list[tuple[KeyPath, OlderCreative]] = [
            ((*here, "creatives", index), each) for index, each in enumerate(older.creatives or ())
        ]
        shared = self.entry.creatives or []
        if not listed or all(item.creatives for item in self.entry.line_items):
            listed += [(("creatives", index), each) for index, each in enumerate(shared)]
        if not listed:
            listed = [((*here, "duration_seconds"), OlderCreative())]
        return [
            self._creative((*here, "creatives", index), place, each, older, ad_format)
            for index, (place, each) in enumerate(listed)
        ]

    def _creative(
        self,
        own: KeyPath,
        place: KeyPath,
        older: OlderCreative,
        item: OlderLineItem,
        ad_format: str,
    ) -> dict[str, Any]:
        self.origin[own] = place
        extra = dict(older.model_extra or {})
        known = set(CreativePlan.model_fields) | set(Creative.model_fields)
        for key in list(extra):
            if key not in known:
                where = self.source.where((*place, key))
                raise bad_input(f"unknown key{nearest(key, known)}", where)
            if key not in CreativePlan.model_fields:
                self._notice((*place, key), "the file of a creative is made up; not used")
                del extra[key]
        plan = self._fill(own, place, {"name": older.name, **extra})
        if older.qr_code_url is not None:
            plan.setdefault("has_qr_code", True)
            self._notice((*place, "qr_code_url"), "the address of a QR code is made up")
        is_still = ad_format == "PAUSE_AD"
        given = item.duration_seconds if older.duration_seconds is None else older.duration_seconds
        duration = None if is_still else DURATION_SECONDS if given is None else given
        source = own[:2] if older.duration_seconds is None else place
        if duration is not None:
            plan["duration_seconds"] = duration
            self.origin[*own, "duration_seconds"] = (*source, "duration_seconds")
        elif given is not None:
            self._notice((*source, "duration_seconds"), "a pause ad is a still image; not used")
        fitting = "PRE_ROLL" if duration in PRE_ROLL_DURATIONS else "MID_ROLL"
        plan["placement"] = "PAUSE" if is_still else fitting
        self.origin[*own, "placement"] = (*place, "placement")
        if older.placement:
            plan["placement"] = self._word(
                (*place, "placement"), older.placement, synonyms.PLACEMENTS
            )
        return plan

    def _performance(self, older: OlderPerformance | None) -> None:
        if older is None:
            return
        here: KeyPath = ("performance",)
        unused: Iterable[tuple[str, bool, str]] = (
            ("generate", not older.generate, "a campaign always comes with its performance"),
            ("seed", older.seed is not None, "the seed is that of the run (--seed)"),
            ("replace", bool(older.replace), "earlier rows of other campaigns always stay"),
            ("type", older.type != "both", "both kinds of columns are always there"),
            (
                "hours",
                older.hours is not None and self.entry.campaign.flight is not None,
                "the hours are those of the flight",
            ),
        )
        for key, applies, text in unused:
            if applies and key in older.model_fields_set:
                self._notice((*here, key), text)


def _template_name(name: str) -> str:
    """An entry's name as a template may have it: small letters, digits, underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"entry_{plain}".strip("_"))[:63]


def _one_line(text: str) -> str:
    """A description without its line breaks, and no longer than one may be."""
    line = " ".join(text.split()) or "-"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object. Raises ValueError for a key that is given twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() else value


def _day(value: date | datetime | str, where: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date()
    except ValueError as error:
        raise bad_input(f"{value!r} is not a date; write it as 2025-09-01", where) from error
