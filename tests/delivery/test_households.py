"""Households: blocks make the platform, parts make the campaign, and lines of cells tell the same
as the audience."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.delivery.capping import Cap
from generator.delivery.households import (
    cells_of,
    country_blocks,
    groups_of,
    have_room,
    runs_in,
    split_households,
)
from generator.delivery.targeting import count_households
from generator.scenario.templates import platform

PLATFORM = platform("netflix_like")
TARGETINGS = st.fixed_dictionaries(
    {},
    optional={
        "GEO_COUNTRY": st.lists(st.sampled_from(sorted(PLATFORM.countries)), min_size=1),
        "GEO_DMA": st.lists(st.sampled_from(["501", "803", "602", "753"]), min_size=1),
        "GENDER": st.just(["FEMALE"]),
        "DEVICE": st.just(["MOBILE"]),
    },
)


def test_blocks_number_every_household_of_the_platform_once() -> None:
    first = 0
    for country in sorted(PLATFORM.countries):
        for block in country_blocks(PLATFORM, country):
            assert block.first == first
            first += block.households
    assert first == sum(place.households for place in PLATFORM.countries.values())


def test_a_region_lies_in_its_time_zone() -> None:
    angeles, *others = (block for block in country_blocks(PLATFORM, "US") if block.region == "803")
    assert angeles.zone == "America/Los_Angeles"
    assert not others
    assert abs(angeles.households - 0.047 * 29_000_000) <= 1


@given(st.lists(TARGETINGS, min_size=1, max_size=4))
def test_cells_add_up_to_the_households_of_the_campaign(targetings) -> None:
    """None is addressed twice, and each by those line items that run where it lives."""
    cells = cells_of(PLATFORM, targetings)
    groups = groups_of(PLATFORM, targetings)
    of_cells = sum(cell.households for cell in cells)
    assert abs(of_cells - count_households(PLATFORM, targetings)) <= 1
    parts = [part for cell in cells for part in cell.parts]
    assert len({part.block for part in parts}) == len(parts)
    assert all(0 < part.addressed <= part.block.households for part in parts)
    for cell in cells:
        for part in cell.parts:
            assert (part.block.country, part.block.zone) == (cell.country, cell.zone)
            here = {
                group
                for group, targeting in zip(groups, targetings, strict=True)
                if runs_in(PLATFORM, targeting, part.block)
            }
            assert here == set(cell.groups)


@given(st.lists(TARGETINGS, min_size=1, max_size=4), st.lists(st.floats(0.05, 1), min_size=4))
def test_groups_share_the_households_of_the_cells_that_they_address(targetings, weights) -> None:
    cells = cells_of(PLATFORM, targetings)
    groups = max(groups_of(PLATFORM, targetings)) + 1
    shared = split_households(cells, (weights * groups)[:groups])
    np.testing.assert_allclose(shared.sum(axis=0), [cell.households for cell in cells])
    for position, cell in enumerate(cells):
        assert set(np.flatnonzero(shared[:, position])) <= set(cell.groups)


def test_small_cells_do_not_keep_a_cap_alone() -> None:
    cells = cells_of(PLATFORM, [{"GEO_COUNTRY": ["ES"]}])
    assert have_room([cell.households for cell in cells], [Cap(3, 24 * 7)], groups=1)
    assert not have_room([cell.households for cell in cells], [Cap(1, 24 * 50_000)], groups=1)
    by_zone = defaultdict(int)
    for cell in cells:
        by_zone[cell.zone] += cell.households
    assert by_zone["Europe/Madrid"] > 15 * by_zone["Atlantic/Canary"]
