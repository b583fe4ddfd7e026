"""People: a platform's shares, ages that go together, and each household the same alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from generator.delivery.supply import DEVICES
from generator.delivery.targeting import Targeting
from generator.enums import Device, IfaType
from generator.log.likeness import joint_shares
from generator.log.people import People
from generator.log.population import Population
from generator.randomness import row_keys
from generator.scenario.templates import platform

PLATFORM = platform("netflix_like")
POPULATION = Population(PLATFORM, seed=2025)
PEOPLE = People(POPULATION)
SAMPLE = np.random.default_rng(5).choice(POPULATION.size, 200_000, replace=False)
PROFILES = PEOPLE.profiles_batch(SAMPLE)
HOUSEHOLDS = PEOPLE.households_batch(SAMPLE)
DEVICES_OF_SAMPLE = PEOPLE.devices_batch(SAMPLE[:40_000])
TARGETINGS = st.fixed_dictionaries(
    {},
    optional={
        "AGE_RANGE": st.just(["18-24", "25-34"]),
        "GENDER": st.just(["FEMALE"]),
        "HOUSEHOLD_INCOME": st.just(["OVER_150K"]),
        "INTEREST_CATEGORY": st.just(["SPORTS", "AUTO"]),
        "LIFE_STAGE": st.just(["PARENT"]),
        "GEO_COUNTRY": st.just(["US", "BR"]),
        "GEO_DMA": st.just(["501", "803"]),
        "DEVICE": st.just(["MOBILE"]),
    },
)
SEVERAL_TARGETINGS = st.lists(TARGETINGS, min_size=1, max_size=3)


def shares_of(column: pa.Array) -> dict[str, float]:
    counted = column.value_counts().to_pylist()
    return {str(pair["values"]): pair["counts"] / len(column) for pair in counted}


def column(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    return batch.column(name).to_numpy(zero_copy_only=False)


@pytest.mark.parametrize("name", ["HOUSEHOLD_INCOME", "LIFE_STAGE"])
def test_households_have_the_shares_of_the_platform(name: str) -> None:
    found = shares_of(HOUSEHOLDS.column(name.lower()))
    assert found == pytest.approx(getattr(PLATFORM.audience, name), abs=0.004)


@pytest.mark.parametrize("name", ["AGE_RANGE", "GENDER", "INTEREST_CATEGORY"])
def test_profiles_have_the_shares_of_the_platform(name: str) -> None:
    """Those of one household are not independent, hence the room."""
    found = shares_of(PROFILES.column(name.lower()))
    assert found == pytest.approx(getattr(PLATFORM.audience, name), abs=0.005)


@pytest.mark.parametrize("name", ["AGE_RANGE", "GENDER", "INTEREST_CATEGORY"])
def test_impressions_of_an_open_campaign_have_the_shares_of_the_platform(name: str) -> None:
    keys = row_keys(3, np.arange(SAMPLE.size))
    item = np.zeros(SAMPLE.size, dtype=np.int64)
    chosen = PEOPLE.choose_profiles(SAMPLE, keys, PEOPLE.demand([{}]), item)
    first = np.cumsum(column(HOUSEHOLDS, "profiles")) - column(HOUSEHOLDS, "profiles")
    found = shares_of(PROFILES.column(name.lower()).take(pa.array(first + chosen - 1)))
    assert found == pytest.approx(getattr(PLATFORM.audience, name), abs=0.005)


def test_households_have_the_sizes_of_the_platform() -> None:
    found = {int(size): share for size, share in shares_of(HOUSEHOLDS.column("profiles")).items()}
    assert found == pytest.approx(PLATFORM.people.profiles, abs=0.004)


def test_households_live_where_the_platform_says() -> None:
    total = sum(country.households for country in PLATFORM.countries.values())
    expected = {code: place.households / total for code, place in PLATFORM.countries.items()}
    assert shares_of(HOUSEHOLDS.column("country")) == pytest.approx(expected, abs=0.004)


def test_ages_of_a_household_are_close_to_one_another() -> None:
    ages = {name: place for place, name in enumerate(PLATFORM.audience.AGE_RANGE)}
    age = np.array([ages[name] for name in column(PROFILES, "age_range")])
    number = column(PROFILES, "profile_number")
    second = np.flatnonzero(number == 2)
    assert 0.4 < np.corrcoef(age[second - 1], age[second])[0, 1] < 0.9


def test_attributes_go_together_as_the_audience_factors_say() -> None:
    shares = joint_shares(PLATFORM, ["AGE_RANGE", "GENDER", "INTEREST_CATEGORY"])
    interests = list(PLATFORM.audience.INTEREST_CATEGORY)
    by_gender = shares.sum(axis=0)
    female, male = by_gender[:2] / by_gender[:2].sum(axis=1, keepdims=True)
    assert male[interests.index("AUTO")] > 2 * female[interests.index("AUTO")]
    stages = joint_shares(PLATFORM, ["AGE_RANGE", "LIFE_STAGE"])
    assert stages[0, 3] < 0.02 * stages[0].sum()


@pytest.mark.parametrize("name", ["netflix_like", "fast_channel", "live_sports"])
def test_what_goes_together_leaves_every_dimension_its_shares(name: str) -> None:
    model = platform(name)
    dimensions = ["AGE_RANGE", "HOUSEHOLD_INCOME", "LIFE_STAGE"]
    shares = joint_shares(model, dimensions)
    for axis, dimension in enumerate(dimensions):
        margin = shares.sum(axis=tuple({0, 1, 2} - {axis}))
        expected = list(model.segment_shares(dimension).values())
        assert margin.tolist() == pytest.approx(expected, abs=1e-6)


def test_without_factors_attributes_are_independent() -> None:
    people = PLATFORM.people.model_copy(update={"factor_sd": 0.0})
    shares = joint_shares(PLATFORM.model_copy(update={"people": people}), ["GENDER", "LIFE_STAGE"])
    product = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    assert shares.ravel().tolist() == pytest.approx(product.ravel().tolist(), abs=1e-9)


@given(st.lists(st.integers(0, POPULATION.size - 1), min_size=1, max_size=50), SEVERAL_TARGETINGS)
def test_what_a_household_is_does_not_depend_on_the_others(
    numbers: list[int], targetings: list[Targeting]
) -> None:
    together = np.array(numbers)
    alone = together[-1:]
    keys = row_keys(9, together)
    item = together % len(targetings)
    demand = PEOPLE.demand(targetings)
    profiles = PEOPLE.choose_profiles(together, keys, demand, item)
    devices = together % len(DEVICES)
    found = PEOPLE.choose_devices(together, devices, profiles, keys)
    assert PEOPLE.choose_profiles(alone, keys[-1:], demand, item[-1:])[0] == profiles[-1]
    assert PEOPLE.choose_devices(alone, devices[-1:], profiles[-1:], keys[-1:])[0] == found[-1]
    assert PEOPLE.matches(alone, demand)[0] == PEOPLE.matches(together, demand)[-1]
    assert PEOPLE.households_batch(together).slice(len(numbers) - 1) == (
        PEOPLE.households_batch(alone)
    )
    of_all, of_one = PEOPLE.profiles_batch(together), PEOPLE.profiles_batch(alone)
    assert of_all.slice(of_all.num_rows - of_one.num_rows) == of_one
    of_all, of_one = PEOPLE.devices_batch(together), PEOPLE.devices_batch(alone)
    assert of_all.slice(of_all.num_rows - of_one.num_rows) == of_one


@given(SEVERAL_TARGETINGS)
def test_a_household_matches_if_a_line_item_wants_a_profile_of_it(
    targetings: list[Targeting],
) -> None:
    numbers = SAMPLE[:100]
    homes = {row["household_id"]: row for row in HOUSEHOLDS.slice(0, numbers.size).to_pylist()}
    watches = dict(zip(homes, PEOPLE.watches(numbers), strict=True))
    expected = set()
    for profile in PEOPLE.profiles_batch(numbers).to_pylist():
        household = profile["household_id"]
        person = {**homes[household], **profile}
        person["geo_country"], person["geo_dma"] = person["country"], person["region"]
        for targeting in targetings:
            on_device = [device in targeting.get("DEVICE", DEVICES) for device in DEVICES]
            keys = [name for name in targeting if name != "DEVICE"]
            if watches[household][on_device].any() and all(
                person[name.lower()] in targeting[name] for name in keys
            ):
                expected.add(household)
    found = PEOPLE.matches(numbers, PEOPLE.demand(targetings))
    assert found.tolist() == [household in expected for household in homes]


@given(SEVERAL_TARGETINGS, st.integers(0, 2**63))
def test_an_impression_is_seen_by_a_profile_on_target_where_there_is_one(
    targetings: list[Targeting], stream: int
) -> None:
    numbers = SAMPLE[:200]
    demand = PEOPLE.demand(targetings)
    item = np.arange(numbers.size) % len(targetings)
    chosen = PEOPLE.choose_profiles(numbers, row_keys(stream, numbers), demand, item)
    profiles = PEOPLE.profiles_batch(numbers).to_pylist()
    by_household: dict[int, list[dict[str, str]]] = {}
    for row in profiles:
        by_household.setdefault(row["household_id"], []).append(row)
    names = ("AGE_RANGE", "GENDER", "INTEREST_CATEGORY")
    ids = POPULATION.household_ids(numbers).tolist()
    for id_, which, number in zip(ids, item, chosen, strict=True):
        targeting = targetings[which]
        fits = [
            all(row[name.lower()] in targeting.get(name, [row[name.lower()]]) for name in names)
            for row in by_household[id_]
        ]
        assert 1 <= number <= len(fits)
        assert fits[number - 1] or not any(fits)


def test_the_first_profile_watches_most() -> None:
    numbers = SAMPLE[PEOPLE.sizes(SAMPLE) == 5]
    item = np.zeros(numbers.size, dtype=np.int64)
    chosen = PEOPLE.choose_profiles(numbers, row_keys(4, numbers), PEOPLE.demand([{}]), item)
    shares = np.bincount(chosen, minlength=6)[1:] / numbers.size
    expected = np.array(PLATFORM.people.viewing_by_profile)
    assert shares.tolist() == pytest.approx((expected / expected.sum()).tolist(), abs=0.02)


def test_every_impression_is_seen_on_a_device_of_its_household() -> None:
    numbers = SAMPLE[:20_000]
    keys = row_keys(6, numbers)
    devices = numbers % len(DEVICES)
    item = np.zeros(numbers.size, dtype=np.int64)
    profiles = PEOPLE.choose_profiles(numbers, keys, PEOPLE.demand([{}]), item)
    found = PEOPLE.choose_devices(numbers, devices, profiles, keys)
    ids = PEOPLE.device_ids(numbers, devices, found)
    batch = PEOPLE.devices_batch(numbers)
    known = column(batch, "device_id")
    order = np.argsort(known)
    place = order[np.searchsorted(known, ids, sorter=order)]
    assert (known[place] == ids).all()
    assert (column(batch, "household_id")[place] == POPULATION.household_ids(numbers)).all()
    assert (column(batch, "device")[place] == np.array(DEVICES)[devices]).all()
    assert (column(batch, "device_number")[place] == found).all()
    identifiers = PEOPLE.identifiers(numbers, devices, found)
    types = np.array([*IfaType, None])[identifiers.ifa_type]
    assert (column(batch, "ifa_type")[place] == types).all()
    limited = column(batch, "limit_ad_tracking")[place]
    assert (limited == identifiers.limit_ad_tracking).all()


@pytest.mark.parametrize("device", [Device.CTV, Device.MOBILE, Device.TABLET])
def test_devices_have_the_identifiers_of_the_platform(device: Device) -> None:
    here = column(DEVICES_OF_SAMPLE, "device") == device
    kinds = column(DEVICES_OF_SAMPLE, "ifa_type")[here]
    limited = column(DEVICES_OF_SAMPLE, "limit_ad_tracking")[here]
    for kind, share in getattr(PLATFORM.people.ifa_types, device).items():
        assert (kinds == kind).mean() == pytest.approx(share, abs=0.01)
        expected = PLATFORM.people.limit_ad_tracking[kind]
        assert limited[kinds == kind].mean() == pytest.approx(expected, abs=0.025)


def test_a_computer_has_no_identifier() -> None:
    has_none = np.array(DEVICES_OF_SAMPLE.column("ifa_type").is_null())
    assert (has_none == (column(DEVICES_OF_SAMPLE, "device") == Device.DESKTOP)).all()


def test_no_two_rows_have_one_id() -> None:
    for batch, name in (
        (HOUSEHOLDS, "household_id"),
        (PROFILES, "profile_id"),
        (DEVICES_OF_SAMPLE, "device_id"),
    ):
        ids = column(batch, name)
        assert ids.min() >= 1
        assert np.unique(ids).size == ids.size


def test_households_of_another_seed_or_platform_have_other_ids() -> None:
    numbers = np.arange(1000)
    found = [
        Population(model, seed).household_ids(numbers)
        for model, seed in ((PLATFORM, 2025), (PLATFORM, 2026), (platform("fast_channel"), 2025))
    ]
    assert all(not np.intersect1d(one, other).size for one, other in pairwise(found))
