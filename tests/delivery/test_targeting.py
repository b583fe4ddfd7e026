"""Who is addressed: households are counted once, even if line items overlap."""

from __future__ import annotations

import pytest

from generator.delivery.targeting import count_households, supply_share
from generator.scenario.templates import platform

PLATFORM = platform("netflix_like")
US = {"GEO_COUNTRY": ["US"]}
HOUSEHOLDS = PLATFORM.countries["US"].households


def test_the_same_targeting_many_times_addresses_nobody_twice() -> None:
    targeting = {**US, "GEO_DMA": ["501"]}
    once = count_households(PLATFORM, [targeting])
    assert once == count_households(PLATFORM, [targeting] * 10)
    assert once <= HOUSEHOLDS * 0.062


def test_disjoint_regions_add_up_and_a_part_adds_nothing_to_its_whole() -> None:
    first, second = ({**US, "GEO_DMA": [code]} for code in ("501", "803"))
    parts = [count_households(PLATFORM, [targeting]) for targeting in (first, second)]
    assert count_households(PLATFORM, [first, second]) == pytest.approx(sum(parts), abs=1)
    assert count_households(PLATFORM, [first, US]) == count_households(PLATFORM, [US])


def test_several_line_items_address_at_least_each_and_at_most_all() -> None:
    drama = {**US, "CONTENT_GENRE": ["DRAMA"], "DEVICE": ["CTV"]}
    mobile = {**US, "AGE_RANGE": ["18-24"], "DEVICE": ["MOBILE"]}
    counts = [count_households(PLATFORM, [targeting]) for targeting in (drama, mobile)]
    both = count_households(PLATFORM, [drama, mobile])
    assert max(counts) <= both <= min(sum(counts), HOUSEHOLDS)


def test_nobody_is_addressed_by_a_targeting_that_fits_nothing() -> None:
    assert count_households(PLATFORM, [{"GEO_COUNTRY": ["GB"], "GEO_DMA": ["501"]}]) == 0
    assert supply_share(PLATFORM, "GB", {"GEO_DMA": ["501"]}) == 0


def test_a_share_of_supply_is_the_product_of_its_parts() -> None:
    targeting = {"CONTENT_GENRE": ["DRAMA", "COMEDY"], "AGE_RANGE": ["18-24"]}
    assert supply_share(PLATFORM, "US", targeting) == pytest.approx((0.20 + 0.15) * 0.14)
