"""Sittings: breaks that campaigns share, never twice the same for one, and sessions that can be
found again."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.arrays import Int64s
from generator.clock import MICROSECONDS_AN_HOUR
from generator.delivery.supply import DEVICES
from generator.enums import Placement
from generator.log.likeness import CHANCES
from generator.log.population import Population
from generator.log.sittings import PLACEMENTS, Breaks, Sittings, genre_choices
from generator.platform.model import PlatformModel
from generator.platform.people import SPOTS_PER_HOUR
from generator.scenario.templates import platform

MINUTE = MICROSECONDS_AN_HOUR // 60
SPOT = MICROSECONDS_AN_HOUR // SPOTS_PER_HOUR
PLATFORMS = {name: platform(name) for name in ("netflix_like", "fast_channel", "live_sports")}
FIRST_HOUR = 485_000


def with_people(model: PlatformModel, **figures: float) -> PlatformModel:
    return model.model_copy(update={"people": model.people.model_copy(update=figures)})


def sittings(model: PlatformModel) -> Sittings:
    return Sittings(Population(model, 2025))


def breaks(
    found: Sittings,
    numbers: Int64s,
    hours: Int64s,
    *,
    order: int | Int64s = 0,
    placement: Placement = Placement.MID_ROLL,
    stream: int = 1,
) -> Breaks:
    columns = np.broadcast_arrays(numbers, 0, hours, order, PLACEMENTS.index(placement))
    return found.breaks(*(np.array(column) for column in columns), stream)


PLACEMENTS_OF_BREAKS = st.sampled_from(Placement)
SETTINGS = st.tuples(
    st.sampled_from(sorted(PLATFORMS)), st.sampled_from([2, 3, 4, 6, 12]), st.integers(3, 48)
)


def of_settings(settings: tuple[str, int, int]) -> Sittings:
    name, per_hour, hours = settings
    return sittings(with_people(PLATFORMS[name], breaks_per_hour=per_hour, sitting_hours=hours))


@given(SETTINGS, PLACEMENTS_OF_BREAKS, st.integers(0, 10**8), st.integers(0, 2**63))
def test_impressions_of_a_campaign_in_an_hour_are_in_different_breaks(
    settings: tuple[str, int, int], placement: Placement, number: int, stream: int
) -> None:
    """Up to twelve of one household, in any hour of its sittings."""
    hours = np.repeat(FIRST_HOUR + np.arange(48), SPOTS_PER_HOUR)
    order = np.tile(np.arange(SPOTS_PER_HOUR), 48)
    found = breaks(
        of_settings(settings),
        np.full(hours.size, number),
        hours,
        order=order,
        placement=placement,
        stream=stream,
    )
    pairs = np.stack([hours, found.session_id, found.number], axis=1)
    assert np.unique(pairs, axis=0).shape == pairs.shape
    assert np.unique(hours * MICROSECONDS_AN_HOUR + found.offset).size == hours.size


@given(SETTINGS, PLACEMENTS_OF_BREAKS, st.integers(0, 2**63), st.integers(0, 40))
def test_a_slot_lies_in_its_pod_and_a_moment_in_its_hour(
    settings: tuple[str, int, int], placement: Placement, stream: int, order: int
) -> None:
    numbers = np.arange(500) * 1_000
    hours = FIRST_HOUR + numbers % 77
    found = breaks(
        of_settings(settings), numbers, hours, order=order, placement=placement, stream=stream
    )
    assert ((found.slot >= 1) & (found.slot <= found.pod_size)).all()
    assert ((found.offset >= 0) & (found.offset < MICROSECONDS_AN_HOUR)).all()
    assert ((found.programme >= 0) & (found.programme < CHANCES)).all()
    assert (found.session_id >= 1).all()


def test_campaigns_meet_in_the_same_breaks() -> None:
    """Slots of one break follow one another, and all of them agree about its size."""
    found = sittings(PLATFORMS["fast_channel"])
    numbers = np.repeat(np.arange(400), 60)
    campaigns = [
        breaks(found, numbers, FIRST_HOUR + numbers % 5, stream=stream) for stream in range(60)
    ]
    by_break: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for campaign in campaigns:
        for session, number, size, slot, offset in zip(
            campaign.session_id[::60].tolist(),
            campaign.number[::60].tolist(),
            campaign.pod_size[::60].tolist(),
            campaign.slot[::60].tolist(),
            campaign.offset[::60].tolist(),
            strict=True,
        ):
            by_break.setdefault((session, number), []).append((slot, size, offset))
    assert len(by_break) < 400 * 7
    shared = 0
    for ads in by_break.values():
        assert len({size for _, size, _ in ads}) == 1
        moments: dict[int, list[int]] = {}
        for slot, _, offset in ads:
            moments.setdefault(slot, []).append(offset)
        shared += len(moments) > 1
        in_order = [moments[slot] for slot in sorted(moments)]
        for one, other in pairwise(in_order):
            assert max(one) < min(other)
        assert all(max(times) - min(times) <= 1_000_000 for times in in_order)
    assert shared > 1_000


@pytest.mark.parametrize("name", PLATFORMS)
def test_sittings_can_be_found_again_by_half_an_hour_without_an_impression(name: str) -> None:
    found = sittings(PLATFORMS[name])
    hours = np.tile(FIRST_HOUR + np.arange(24 * 7), 300)
    numbers = np.repeat(np.arange(300) * 7_919, 24 * 7)
    seen = [breaks(found, numbers, hours, stream=stream) for stream in range(8)]
    moment = np.concatenate([hours * MICROSECONDS_AN_HOUR + one.offset for one in seen])
    session = np.concatenate([one.session_id for one in seen])
    household = np.concatenate([numbers] * len(seen))
    in_order = np.lexsort((moment, household))
    moment, session, household = moment[in_order], session[in_order], household[in_order]
    gap = np.diff(moment)[np.diff(household) == 0]
    changes = (np.diff(session) != 0)[np.diff(household) == 0]
    assert (gap[changes] >= 30 * MINUTE).all()
    begins = 1 + np.count_nonzero(np.diff(session) != 0)
    assert np.unique(session).size == begins


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_household_has_about_one_sitting_a_day_of_about_an_hour(name: str) -> None:
    """That of a subscription service watches 1.35 hours a day, in 1.1 sittings of 75 minutes."""
    model = PLATFORMS[name]
    minutes = 60 * model.supply.hours_per_household_day
    rng = np.random.default_rng(3)
    numbers = np.arange(20_000)
    begin = FIRST_HOUR * 60 + rng.integers(0, 24 * 60, numbers.size)
    last = (begin + minutes) // 60
    sessions = []
    for ahead in range(3):
        hour = begin // 60 + ahead
        watching = hour <= last
        found = breaks(sittings(model), numbers, hour)
        sessions.append(np.where(watching, found.session_id, 0))
    in_order = np.sort(np.stack(sessions), axis=0)
    count = (np.diff(in_order, axis=0, prepend=0) > 0).sum(axis=0)
    assert 1.0 < count.mean() < 1.3
    if name == "netflix_like":
        assert 60 < minutes / count.mean() < 80


def test_an_hour_has_the_ad_load_of_the_platform() -> None:
    for model in PLATFORMS.values():
        numbers = np.arange(40_000)
        size = breaks(sittings(model), numbers, FIRST_HOUR + numbers % 24).pod_size
        slots = size.mean() * model.people.breaks_per_hour
        assert slots == pytest.approx(model.supply.slots_per_hour, rel=0.05)


def test_a_break_of_a_live_programme_comes_at_the_same_time_for_everyone() -> None:
    numbers = np.arange(20_000)
    found = breaks(
        sittings(PLATFORMS["live_sports"]),
        numbers,
        np.full(numbers.size, FIRST_HOUR),
        placement=Placement.LIVE,
    )
    first = found.slot == 1
    place = found.offset[first] // SPOT
    for spot in range(SPOTS_PER_HOUR):
        here = place == spot
        assert here.sum() > 100
        assert np.ptp(found.offset[first][here]) <= 1_000_000
        assert np.unique(found.pod_size[first][here]).size == 1


def test_a_pre_roll_comes_as_a_programme_begins_and_a_pause_ad_alone() -> None:
    numbers = np.arange(5_000)
    hours = FIRST_HOUR + numbers % 24
    found = sittings(PLATFORMS["netflix_like"])
    before = breaks(found, numbers, hours, placement=Placement.PRE_ROLL)
    assert before.pod_size.max() <= 2
    assert (before.offset[before.slot == 1] % SPOT).max() <= 16_000_000
    assert set(breaks(found, numbers, hours, placement=Placement.PAUSE).pod_size.tolist()) == {1}


def test_impressions_come_in_all_minutes_of_an_hour() -> None:
    """Fewer in the last one, since a pod ends in the hour in which it begins."""
    numbers = np.arange(60_000)
    found = breaks(sittings(PLATFORMS["netflix_like"]), numbers, FIRST_HOUR + numbers % 24)
    shares = np.bincount(found.offset // MINUTE, minlength=60) / numbers.size
    assert shares[-1] > 0.4 / 60
    assert 0.6 / 60 < shares[:-1].min() < shares.max() < 1.3 / 60


@given(st.integers(0, 2**63), st.integers(1, 60))
def test_an_impression_is_the_same_alone(stream: int, size: int) -> None:
    found = sittings(PLATFORMS["live_sports"])
    numbers = np.arange(size) * 977
    columns = (
        numbers,
        numbers % len(DEVICES),
        FIRST_HOUR + numbers % 31,
        numbers % 9,
        numbers % len(PLACEMENTS),
    )
    together = found.breaks(*columns, stream)
    alone = found.breaks(*(column[-1:] for column in columns), stream)
    for field in fields(Breaks):
        assert getattr(alone, field.name)[0] == getattr(together, field.name)[-1]


def test_programmes_have_the_genres_of_the_platform_or_those_that_are_wanted() -> None:
    model = PLATFORMS["netflix_like"]
    found = breaks(sittings(model), np.arange(100_000), np.full(100_000, FIRST_HOUR))
    wanted = {"CONTENT_GENRE": ["DRAMA", "TALK_SHOW"]}
    genres = list(model.genres)
    anything, named = genre_choices(model, [{}, wanted])[:, found.programme]
    shares = np.bincount(anything, minlength=len(genres)) / anything.size
    expected = [genre.share for genre in model.genres.values()]
    assert shares.tolist() == pytest.approx(expected, abs=0.006)
    assert {genres[position] for position in named} == {"DRAMA", "TALK_SHOW"}


def test_a_genre_that_a_platform_never_shows_can_be_wanted() -> None:
    wanted = {"CONTENT_GENRE": ["HORROR", "FANTASY"]}
    model = PLATFORMS["live_sports"]
    found = genre_choices(model, [wanted])[0]
    assert {list(model.genres)[position] for position in found} == {"HORROR", "FANTASY"}
