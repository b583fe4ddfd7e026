"""Random scenarios for hypothesis: all that a scenario file may hold, small for thousands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from generator.scenario.kinds import TemplateKind
from generator.scenario.models import Scenario
from generator.scenario.templates import Dataset, names, platform

PLATFORMS = names(TemplateKind.PLATFORMS)
COUNTRIES = ["US", "GB", "JP", "AU", "BR"]
GENRES = ["DRAMA", "COMEDY", "DOCUMENTARY", "TALK_SHOW"]
AGES = ["18-24", "25-34", "65+"]
DEVICES = ["CTV", "MOBILE", "TABLET", "DESKTOP"]

# Days that have hurt others: DST changes (US, GB, AU), a leap day, New Year; and any other.
DAYS = st.sampled_from(
    [date(2025, 11, 1), date(2025, 3, 8), date(2025, 10, 4), date(2024, 2, 27), date(2025, 12, 30)]
) | st.dates(date(2024, 1, 1), date(2026, 6, 1))


def subsets(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=len(values), unique=True)


@st.composite
def flights(draw: st.DrawFn, first_day: date) -> list[dict[str, Any]]:
    start = first_day + timedelta(days=draw(st.integers(0, 9)))
    planned = []
    for _ in range(draw(st.integers(1, 2))):
        end = start + timedelta(days=draw(st.integers(0, 6)))
        planned.append({"start_date": start, "end_date": end})
        start = end + timedelta(days=draw(st.integers(1, 9)))
    return planned


@st.composite
def creatives(draw: st.DrawFn, ad_format: str, first: date) -> dict[str, Any]:
    plan: dict[str, Any] = {"rotation_weight": draw(st.integers(1, 100))}
    if ad_format == "PAUSE_AD":
        plan["placement"] = "PAUSE"
    else:
        plan["placement"] = draw(st.sampled_from(["PRE_ROLL", "MID_ROLL", "LIVE"]))
        plan["duration_seconds"] = draw(st.sampled_from([15, 30]))
        plan["is_skippable"] = draw(st.booleans())
    plan["is_interactive"] = ad_format == "INTERACTIVE_OVERLAY" and draw(st.booleans())
    plan["has_qr_code"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        plan["rotation_start_date"] = first + timedelta(days=draw(st.integers(0, 3)))
    if draw(st.integers(0, 3)) == 0:
        plan["rotation_end_date"] = first + timedelta(days=draw(st.integers(3, 8)))
    return plan


@st.composite
def own_dates(draw: st.DrawFn, flights: list[dict[str, Any]]) -> dict[str, date]:
    """Days of a line item within those of its campaign, with a day in each flight; mostly none."""
    if draw(st.integers(0, 4)):
        return {}
    earliest, latest = flights[-1]["end_date"], flights[0]["start_date"]
    begins = draw(st.dates(flights[0]["start_date"], flights[0]["end_date"]))
    ends = draw(st.dates(flights[-1]["start_date"], flights[-1]["end_date"]))
    return {"start_date": min(begins, earliest), "end_date": max(ends, begins, latest)}


@st.composite
def targetings(draw: st.DrawFn, countries: list[str]) -> dict[str, list[str]]:
    lists = {"GEO_COUNTRY": draw(subsets(countries))}
    for key, values in (
        ("DEVICE", DEVICES),
        ("CONTENT_GENRE", GENRES),
        ("AGE_RANGE", AGES),
        ("GEO_DMA", ["501", "862"]),
    ):
        if draw(st.booleans()):
            lists[key] = draw(subsets(values))
    return lists


@st.composite
def changes(draw: st.DrawFn, campaign: dict[str, Any]) -> list[dict[str, Any]]:
    """What is changed in a campaign, before, during and after its first flight."""
    first = campaign["flights"][0]["start_date"]
    days = draw(st.lists(st.integers(-1, 12), min_size=1, max_size=3, unique=True).map(sorted))
    kinds = ["pause"]
    if len(campaign["flights"]) == 1 and campaign["budget"]["type"] == "LIFETIME":
        kinds += ["budget"]
    if campaign["buy_type"] == "PRIVATE_AUCTION":
        kinds += ["bid_cpm"]
    planned: list[dict[str, Any]] = []
    for position, day in enumerate(days):
        on = first + timedelta(days=day)
        kind = draw(st.sampled_from([*kinds, "stop"] if position == len(days) - 1 else kinds))
        until = on + timedelta(days=1)
        amount = draw(st.sampled_from([0.01, 1.5, 40.0, 2_000.0, 1e6]))
        values = {"pause": until, "budget": amount, "bid_cpm": 90.0, "stop": True}
        key = "pause_until" if kind == "pause" else kind
        planned.append({"on": on, key: values[kind]})
    return planned


@st.composite
def scenarios(draw: st.DrawFn, first_day: date) -> dict[str, Any]:
    planned = draw(flights(first_day))
    buy_type = draw(st.sampled_from(["DIRECT_IO", "PROGRAMMATIC_GUARANTEED", "PRIVATE_AUCTION"]))
    # An auction is held in the market's own currency.
    countries = ["US"] if buy_type == "PRIVATE_AUCTION" else COUNTRIES
    count = draw(st.integers(1, 2))
    items = []
    for position in range(count):
        ad_format = draw(st.sampled_from(["STANDARD_VIDEO", "INTERACTIVE_OVERLAY", "PAUSE_AD"]))
        first = planned[0]["start_date"]
        ads = draw(st.lists(creatives(ad_format, first), min_size=1, max_size=2))
        has_dates = any("rotation_start_date" in ad or "rotation_end_date" in ad for ad in ads)
        items.append(
            {
                "ad_format": ad_format,
                "bid_cpm": draw(st.integers(1_000, 80_000)) / 1000,
                "budget_share": [[1.0], [0.35, 0.65]][count - 1][position],
                "pacing": draw(st.sampled_from(["EVEN", "FRONTLOADED", "ASAP"])),
                "pacing_pct": draw(st.sampled_from([50, 100, 150])),
                "targeting": draw(targetings(countries)),
                "creatives": ads,
                **({} if has_dates else draw(own_dates(planned))),
            }
        )
    campaign = {
        "platform": draw(st.sampled_from(PLATFORMS)),
        "objective": draw(st.sampled_from(["AWARENESS", "CONSIDERATION", "CONVERSION"])),
        "buy_type": buy_type,
        "target_cpm": draw(st.integers(1, 90_000)) / 1000,
        "currency": "USD",
        "flights": planned,
        "budget": {
            # From nothing, through one or two impressions, to more than there is to buy.
            "amount": draw(st.sampled_from([0.0, 0.01, 0.05, 1.5, 40.0, 2_000.0, 1e5, 1e8])),
            "type": draw(st.sampled_from(["LIFETIME", "DAILY"])),
        },
    }
    if draw(st.booleans()):
        campaign["frequency_caps"] = [
            {
                "max_impressions": draw(st.integers(1, 4)),
                "time_unit": draw(st.sampled_from(["HOUR", "DAY", "WEEK", "MONTH", "LIFETIME"])),
                "time_units": draw(st.integers(1, 3)),
            }
            for _ in range(draw(st.integers(1, 2)))
        ]
    if draw(st.booleans()):
        campaign["changes"] = draw(changes(campaign))
    return {
        "name": "random",
        "description": "made by hypothesis",
        "campaign": campaign,
        "line_items": items,
    }


@dataclass(frozen=True)
class Plans:
    """A dataset in its written form, which is what a failing case shows."""

    scenarios: list[dict[str, Any]]
    seed: int
    as_of: date

    @property
    def dataset(self) -> Dataset:
        """The dataset that is planned."""
        made = tuple(Scenario.model_validate(plan) for plan in self.scenarios)
        platforms = {name: platform(name) for name in PLATFORMS}
        return Dataset("random", self.seed, self.as_of, made, platforms)


@st.composite
def datasets(draw: st.DrawFn, size: int) -> Plans:
    """`size` campaigns that begin within ten days of one another, seen long after them or on a day
    among them."""
    first_day = draw(DAYS)
    as_of = draw(
        st.just(first_day + timedelta(days=400))
        | st.dates(first_day - timedelta(days=2), first_day + timedelta(days=30))
    )
    seed = draw(st.integers(0, 2**63 - 1))
    return Plans([draw(scenarios(first_day)) for _ in range(size)], seed, as_of)
