"""Entities are consistent, invented, and functions of the seed and their own id."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise, product
from pathlib import Path

import faker
import pytest

from generator.enums import Placement, Status
from generator.market.dataset import world_of
from generator.scenario.errors import InputError
from generator.scenario.models import Scenario
from generator.scenario.money import micros
from generator.scenario.templates import Dataset, dataset
from generator.schema import Advertiser, RawTable
from generator.world.build import build_world, notices_of
from generator.world.coinage import ENDINGS, KNOWN, MIDDLES, ONSETS
from generator.world.names import pools

# Brands of every sector, and the names, words and places among all that could be coined which
# frequency lists of 21 languages know.
REAL_BRANDS = {
    "audi", "bmw", "ford", "honda", "tesla", "toyota", "volvo", "nike", "adidas", "puma", "zara",
    "apple", "google", "meta", "netflix", "amazon", "disney", "hulu", "roku", "sony", "samsung",
    "visa", "chase", "citi", "wells", "fargo", "progressive", "geico", "verizon", "vodafone",
    "orange", "pepsi", "coke", "nestle", "kellogg", "heinz", "mars", "pfizer", "bayer", "novartis",
    "walmart", "target", "costco", "ikea", "marriott", "hilton", "delta", "emirates", "ryanair",
    "bremont", "calibra", "elixia", "solibra", "rosemont", "bromont", "brixia", "galaxia",
    "bredene", "bregant", "brigant", "brimont", "bristen", "brosten", "brudene", "brumont",
    "brusten", "calafell", "calobra", "darabra", "elegant", "elevane", "halisten", "halosten",
    "istidene", "lumisten", "marimont", "maristen", "rosegant", "solisten", "taladra", "talisten",
    "ulisten",
}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return build_world(dataset("complete"))


def creatives_of(world):
    return [c for b in world.bookings for item in b.line_items for c in item.creatives]


def test_ids_are_unique_and_say_where_they_belong(world) -> None:
    for booking in world.bookings:
        campaign_id = booking.campaign.campaign_id
        for item in booking.line_items:
            assert item.line_item.line_item_id // 100 == campaign_id
            for creative in item.creatives:
                assert creative.creative_id // 100 == item.line_item.line_item_id
    ids = [creative.creative_id for creative in creatives_of(world)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("seed", range(20))
def test_dates_are_in_order_and_inside_their_window(seed: int) -> None:
    for booking in build_world(dataset("complete").with_seed(seed)).bookings:
        first, last = booking.flights[0].start_date, booking.flights[-1].end_date
        assert booking.campaign.created_at.date() < first <= last
        assert booking.campaign.updated_at >= booking.campaign.created_at
        if booking.campaign.scenario.endswith(("_advanced", "_interactive", "tv_awareness")):
            assert date(2025, 7, 1) <= first <= date(2025, 11, 5)


def test_no_address_can_reach_anybody(world) -> None:
    for advertiser in world.advertisers:
        assert advertiser.contact_email.endswith(".example")
    for creative in creatives_of(world):
        assert creative.asset_url.split("/")[2].endswith(".example")
        assert creative.qr_code_url is None or creative.qr_code_url.split("/")[2].endswith(
            ".example"
        )
    emails = [advertiser.contact_email for advertiser in world.advertisers]
    assert len(emails) == len(set(emails))


def real_words() -> set[str]:
    """The brands above, and every word in Faker's lists of people, companies and places."""
    folder = Path(faker.__file__).parent / "providers"
    texts = (
        file.read_text().lower()
        for kind in ("person", "company", "address")
        for file in (folder / kind).rglob("*.py")
    )
    return REAL_BRANDS.union(*(re.findall(r"[a-z]+", text) for text in texts))


def test_no_word_that_can_be_coined_is_a_real_one() -> None:
    """All of them, not those of some seeds: what is kept out is all that is real, and can occur."""
    coinable = {"".join(parts) for parts in product(ONSETS, MIDDLES, ENDINGS)}
    assert len(coinable) == 24 * 12 * 16
    assert coinable & real_words() <= KNOWN
    assert coinable >= KNOWN


@pytest.mark.parametrize("seed", range(10))
def test_names_are_coined_and_what_is_known_is_kept_out(seed: int) -> None:
    coinable = {"".join(parts) for parts in product(ONSETS, MIDDLES, ENDINGS)} - KNOWN
    made = pools(seed)
    assert {name.split()[0].lower() for name in made.brands + made.agencies} <= coinable
    assert len(made.brands) > 300


@pytest.mark.parametrize("seed", range(5))
def test_creative_files_obey_the_published_specifications(seed: int) -> None:
    for creative in creatives_of(build_world(dataset("complete").with_seed(seed))):
        assert creative.width * 9 == creative.height * 16
        assert creative.file_size_bytes <= 10**9
        if creative.placement is Placement.PAUSE:
            assert creative.file_format == "PNG"
            assert creative.duration_seconds is None
            continue
        floor = {
            ("MP4", 720): 8_000, ("MP4", 1080): 12_000,
            ("MOV", 720): 42_000, ("MOV", 1080): 80_000,
        }[creative.file_format, creative.height]  # fmt: skip
        assert creative.bitrate_kbps > floor
        assert creative.chroma_subsampling == {"MP4": "4:2:0", "MOV": "4:2:2"}[creative.file_format]
        seconds = creative.file_size_bytes * 8 / 1000 / creative.duration_seconds
        assert 192 <= seconds - creative.bitrate_kbps <= 1536
        assert (creative.audio_channels, creative.audio_sample_rate_hz) == (2, 48_000)


def test_one_advertiser_of_two_campaigns_exists_once() -> None:
    data = dataset("complete")
    twice = replace(data, scenarios=(data.scenarios[0], data.scenarios[0]))
    world = build_world(twice)
    assert [advertiser.name for advertiser in world.advertisers] == ["Luxury Auto Co"]
    assert [booking.campaign.advertiser_id for booking in world.bookings] == [1, 1]


def test_two_advertisers_with_one_address_are_refused() -> None:
    data = dataset("complete")
    plan = data.scenarios[1].model_dump()
    plan["advertiser"]["contact_email"] = "media@luxury-auto.example"
    clash = replace(data, scenarios=(data.scenarios[0], Scenario.model_validate(plan)))
    with pytest.raises(InputError, match="have the same contact_email"):
        build_world(clash)


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        (date(2025, 8, 1), Status.DRAFT),
        (date(2025, 9, 1), Status.ACTIVE),
        (date(2025, 10, 15), Status.ACTIVE),
        (date(2025, 10, 16), Status.COMPLETED),
    ],
)
def test_status_follows_the_as_of_day(as_of: date, status: Status) -> None:
    world = build_world(replace(dataset("complete"), as_of=as_of))
    assert world.bookings[0].campaign.status is status


def test_money_becomes_exact_micros() -> None:
    assert [micros(amount) for amount in (22.75, 0.1 + 0.2, 120_000, 0.001)] == [
        22_750_000, 300_000, 120_000_000_000, 1_000,
    ]  # fmt: skip


def test_targeting_is_kept_as_it_was_written(world) -> None:
    targeting = json.loads(world.bookings[0].line_items[0].line_item.targeting)
    assert targeting == {
        "DEVICE": ["CTV"],
        "GEO_COUNTRY": ["US"],
        "CONTENT_GENRE": ["DRAMA", "DOCUMENTARY"],
    }


AS_OF_DAYS = [date(2025, 6, 1), date(2025, 9, 20), date(2026, 2, 1)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("as_of", AS_OF_DAYS)
def test_nothing_is_created_after_the_day_that_the_data_is_seen_on(seed: int, as_of: date) -> None:
    """A campaign that has not begun is there as a DRAFT, and was booked before that day."""
    world = build_world(replace(dataset("complete").with_seed(seed), as_of=as_of))
    customer_since = {
        advertiser.advertiser_id: advertiser.created_at for advertiser in world.advertisers
    }
    for booking in world.bookings:
        campaign = booking.campaign
        assert customer_since[campaign.advertiser_id] < campaign.created_at
        assert campaign.created_at.date() < min(as_of, booking.flights[0].start_date)
        has_begun = booking.flights[0].start_date <= as_of
        assert (campaign.status is Status.DRAFT) != has_begun


def test_an_advertiser_is_there_before_the_earliest_of_its_campaigns() -> None:
    """In any order: the second campaign here begins half a year before the first."""
    data = dataset("complete")
    late = data.scenarios[0]
    plan = late.model_dump()
    plan["campaign"]["flights"] = [
        {"start_date": date(2024, 3, 1), "end_date": date(2024, 3, 9)},
    ]
    world = build_world(replace(data, scenarios=(late, Scenario.model_validate(plan))))
    (advertiser,) = world.advertisers
    first = min(booking.campaign.created_at for booking in world.bookings)
    assert first == world.bookings[1].campaign.created_at
    assert advertiser.created_at < first
    assert advertiser.updated_at == first


def test_a_world_in_which_nothing_has_begun_says_so() -> None:
    data = dataset("complete")
    data, begins = replace(data, scenarios=data.scenarios[:1]), date(2025, 9, 1)
    (notice,) = notices_of(build_world(replace(data, as_of=begins)))
    assert notice.startswith(f"no flight begins before {begins}")
    assert notices_of(build_world(replace(data, as_of=begins + timedelta(days=1)))) == ()


SEEN_ON = [
    date(2025, 5, 1),
    date(2025, 8, 20),
    date(2025, 9, 30),
    date(2025, 12, 1),
    date(2026, 2, 1),
]
FOLLOWS_FROM_THE_DAY = {"status", "updated_at"}


def entities(data: Dataset) -> dict[tuple[str, int], dict[str, object]]:
    """Every entity of a dataset by table and id, without what follows from the as-of day."""
    world = world_of(data)
    rows: list[RawTable] = [*world.advertisers]
    for booking in world.bookings:
        rows += [booking.campaign, booking.budget, *booking.flights, *booking.frequency_caps]
        for item in booking.line_items:
            rows += [item.line_item, *item.creatives]
    return {
        (type(row).__name__, next(iter(row.model_dump().values()))): row.model_dump(
            exclude=FOLLOWS_FROM_THE_DAY
        )
        for row in rows
    }


@pytest.mark.parametrize("workflow", ["complete", "three_platforms", "market"])
def test_what_has_happened_stays_as_it_was_on_every_later_day(workflow: str) -> None:
    data = dataset(workflow)
    seen = [entities(data.with_as_of(day)) for day in SEEN_ON]
    for earlier, later in pairwise(seen):
        assert set(earlier) <= set(later), "no one is lost"
        for key, entity in earlier.items():
            assert later[key] == entity, key
    assert len(seen[0]) < len(seen[-1]), "what is booked later is not known earlier"


def test_updated_at_is_a_moment_at_which_something_changed() -> None:
    data = dataset("smoke")
    (flight,) = build_world(data).bookings[0].flights
    after = flight.end_date + timedelta(days=1)
    for as_of, moment in (
        (flight.start_date - timedelta(days=1), None),
        (flight.start_date, flight.start_date),
        (flight.end_date, flight.start_date),
        (after, after),
        (after + timedelta(days=99), after),
    ):
        (booking,) = build_world(data.with_as_of(as_of)).bookings
        created, updated = booking.campaign.created_at, booking.campaign.updated_at
        assert updated == (created if moment is None else datetime.combine(moment, time(0)))


def test_what_is_not_booked_yet_is_not_there_and_is_reported() -> None:
    data = dataset("complete")
    world = build_world(data.with_as_of(date(2025, 8, 20)))
    assert 0 < len(world.bookings) < 7 == len(world.bookings) + world.booked_later
    (notice,) = notices_of(world)
    assert notice.startswith(f"{world.booked_later} of 7 campaigns are not booked yet")
    assert world.only(["nexbank_conversion"]).booked_later == 1


def test_scenarios_of_one_advertiser_say_the_same_of_it() -> None:
    data = dataset("complete")
    plan = data.scenarios[0].model_dump(exclude_unset=True)

    def advertisers(*details: dict[str, str]) -> Sequence[Advertiser]:
        scenarios = tuple(
            Scenario.model_validate({**plan, "advertiser": {"name": "Harbour", **more}})
            for more in details
        )
        return build_world(replace(data, scenarios=scenarios)).advertisers

    (both,) = advertisers(
        {"brand": "Quay"}, {"industry": "TRAVEL"}, {"time_zone": "America/Chicago"}
    )
    assert (both.brand, both.industry, both.time_zone) == ("Quay", "TRAVEL", "America/Chicago")
    with pytest.raises(InputError, match="has the brand 'Pier', and 'Quay' in another scenario"):
        advertisers({"brand": "Quay"}, {"brand": "Pier"})
