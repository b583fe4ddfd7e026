"""Over 200 worlds: the interval of an experiment covers the truth as often as it says, a comparison
without an experiment overstates the lift, and an experiment without power seldom finds any.

Delivery and arms are made once. What households do is made again in each world, from another seed,
by the code that a run uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generator.arrays import Floats, Int64s
from generator.log.people import People
from generator.log.population import Population
from generator.log.rows import Views
from generator.outcomes.campaign import CampaignOutcomes, _Seen
from generator.outcomes.rows import CAUSED
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.randomness import key, mix
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library
from generator.world.build import build_world

pytestmark = pytest.mark.slow

# How often 200 worlds are covered differs by 1.5 points (one standard deviation): 90 % of the first
# 200, and 94.5 % of 2,950 worlds. So each one is also dealt into some experiments.
SEEDS = range(200)
EXPERIMENTS = 5
NEVER = 2**62


@dataclass(frozen=True)
class Found:
    """What worlds show of reached households against others: effects and standard errors by an
    experiment, and by smaller ones of a part of the households (worlds, experiments), effects
    without one, and what is true."""

    effect: Floats
    error: Floats
    effects: Floats
    errors: Floats
    naive: Floats
    caused: Floats
    expected: float
    without: Floats

    @property
    def covers(self) -> float:
        """How often the interval of 95 % has the expected effect in it."""
        return float(np.mean(np.abs(self.effect - self.expected) < 1.959964 * self.error))

    @property
    def small_ones_cover(self) -> float:
        """How often those of the smaller experiments have it in them."""
        return float(np.mean(np.abs(self.effects - self.expected) < 1.959964 * self.errors))

    @property
    def significant(self) -> float:
        """How often the interval leaves out zero."""
        return float(np.mean(np.abs(self.effect) > 1.959964 * self.error))


class Worlds:
    """The campaign of a workflow in other worlds, with the same delivery."""

    def __init__(self, workflow: str, *changes: str) -> None:
        world = build_world(Library().dataset(workflow, [parse_override(one) for one in changes]))
        self._model = world.platform_models["netflix_like"]
        logs = Logs(world, CountrySupplies(world))
        self._log = logs.of(0)
        claim = logs._claim(world.bookings[0])
        assert claim is not None
        arms = list(self._log.members())
        numbers, is_control = (np.concatenate(parts) for parts in zip(*arms, strict=True))
        in_order = np.argsort(numbers)
        self.numbers, self.is_control = numbers[in_order], is_control[in_order]
        self._claim: Any = replace(claim, addressed=SimpleNamespace(places=self._place))
        self._views = list(self._log.views())
        control = self.numbers[self.is_control]
        self._mirrored = self._log.mirrored_views(control)
        self._seen = self._seen_by(*self._log._viewers.slots_of(self.numbers))
        ghosts = self._log._viewers.mirrored_slots_of(self.numbers)
        self._ghosts = self._seen_by(*ghosts)
        met = np.isin(self.numbers, np.concatenate([self._seen.household, self._ghosts.household]))
        self.test, self.control = met & ~self.is_control, met & self.is_control
        self.unreached = ~met & ~self.is_control

    def _place(self, numbers: Int64s) -> Int64s:
        """The households of the campaign have a place, others -1."""
        found = np.minimum(np.searchsorted(self.numbers, numbers), self.numbers.size - 1)
        return np.where(self.numbers[found] == numbers, numbers, -1)

    def _seen_by(self, owner: Int64s, group: Int64s, hour: Int64s, slot: Int64s) -> _Seen:
        """Impressions of households, at the beginnings of their hours."""
        rows = self._log._rows
        first = np.zeros((rows.edges.size - 1, int(rows.group.max()) + 1), dtype=np.int64)
        begins = np.flatnonzero(rows.slot == 0)[::-1]
        first[rows.hour_position[begins], rows.group[begins]] = rows.position[begins]
        moment = self._log._viewers.hours[hour] * 3_600_000_000
        order = np.lexsort((moment, self.numbers[owner]))
        none = pa.nulls(order.size, pa.large_string())
        position = (first[hour, group] + slot)[order]
        return _Seen(self.numbers[owner][order], position, moment[order], none, none)

    def outcomes(self, seed: int) -> CampaignOutcomes:
        """What households do in one world."""

        def other(views: Views) -> Views:
            return replace(views, keys=mix(views.keys + np.uint64(key(seed, "world"))))

        household, mirrored = self._mirrored
        log: Any = SimpleNamespace(
            size=self._log.size,
            views=lambda: map(other, self._views),
            members=lambda: iter([(self.numbers, self.is_control)]),
            mirrored_views=lambda _: (household, other(mirrored)),
        )
        people = People(Population(self._model, seed))
        result = CampaignOutcomes(log, people, self._claim, [], self.numbers, NEVER)
        vars(result).update(_seen=self._seen, _ghosts=self._ghosts)
        return result

    def found(self) -> Found:
        """What all worlds show."""
        rows = np.array([list(self._numbers(seed)) for seed in SEEDS]).T
        naive, caused, expected, without, *compared = rows
        effects, errors = np.array(compared).reshape(-1, 2, len(SEEDS)).transpose(1, 2, 0)
        return Found(
            effects[:, 0],
            errors[:, 0],
            effects[:, 1:],
            errors[:, 1:],
            naive,
            caused,
            float(expected.mean()),
            without,
        )

    def _numbers(self, seed: int) -> Iterator[float]:
        outcomes = self.outcomes(seed)
        landed = outcomes._landed
        place = np.searchsorted(self.numbers, landed.household)
        done = np.bincount(place, minlength=self.numbers.size)
        by_ads = np.bincount(place, landed.cause == CAUSED, self.numbers.size)
        test, control, others = done[self.test], done[self.control], done[self.unreached]
        yield test.mean() - others.mean()
        yield by_ads[self.test].mean()
        yield outcomes._expected(0, 30) / test.size
        yield (done - by_ads)[self.test].mean()
        yield from _comparison(test, control)
        hands = np.random.default_rng(seed)
        dealt = [hands.integers(EXPERIMENTS, size=arm.size) for arm in (test, control)]
        for number in range(EXPERIMENTS):
            yield from _comparison(test[dealt[0] == number], control[dealt[1] == number])


def _comparison(test: Int64s, control: Int64s) -> tuple[float, float]:
    """The effect and its standard error, as `fct_experiment_lift` has them."""
    error = (test.var(ddof=1) / test.size + control.var(ddof=1) / control.size) ** 0.5
    return float(test.mean() - control.mean()), float(error)


VISITS = "city_visits.campaign.conversions.types.VISIT.lift"


@pytest.fixture(scope="module")
def powered() -> Found:
    """A lift of about 3 % that the experiment can see."""
    return Worlds("lift_powered", f"{VISITS}=0.07").found()


def test_the_interval_of_an_experiment_covers_the_truth_as_often_as_it_says(powered) -> None:
    """Of 1,000 experiments in 200 worlds, and of the 200 large ones."""
    assert 0.92 <= powered.small_ones_cover <= 0.98
    assert 0.89 <= powered.covers <= 0.99
    assert powered.effect.mean() == pytest.approx(powered.expected, abs=0.004)
    assert powered.caused.mean() == pytest.approx(powered.expected, rel=0.02)


def test_exposed_against_unexposed_overstates_a_lift_of_3_percent_three_to_five_times(
    powered,
) -> None:
    assert 0.025 < powered.expected / powered.without.mean() < 0.035
    assert 3.0 < powered.naive.mean() / powered.expected < 5.0


def test_an_experiment_without_power_is_rarely_significant() -> None:
    """An effect of 0.8 standard errors is found in one of eight experiments."""
    weak = Worlds("lift_underpowered").found()
    assert 0.08 < weak.expected / weak.without.mean() < 0.12
    assert weak.significant < 0.25
    assert 0.89 <= weak.covers <= 0.99
