"""The world of a market: advertisers and campaigns that are made on demand.

Campaign and advertiser k are functions of the seed, k and the outline of the market, so any range
of them can be made alone, in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np

from generator.arrays import Int64s
from generator.clock import HOURS_A_DAY, date_of, day_number
from generator.enums import Industry, Status
from generator.market.changes import change
from generator.market.control import steer
from generator.market.order import Draw, Order, scenario_of
from generator.market.outline import MarketOutline, market_outline
from generator.market.shares import booking_mix_of
from generator.platform.model import PlatformModel
from generator.scenario.models import AdvertiserPlan, MarketPlan
from generator.scenario.templates import Dataset
from generator.schema import Advertiser, Run
from generator.schema.booking import Booking
from generator.world import names
from generator.world.build import FirstOrder, book, platform_row, run_of, sign
from generator.world.names import Pools
from generator.world.office_hours import MINUTES_A_DAY, moment_of
from generator.world.world import RunOutline, World, identity_of

Member = TypeVar("Member")

_NEVER = np.iinfo(np.int64).max
# Assumption: an advertiser counts as lost a number of days after its last campaign could begin.
_DAYS_UNTIL_LOST = 120


def build_market(dataset: Dataset) -> World:
    """Return the world of a dataset with a market."""
    plan = dataset.market
    assert plan is not None
    outline = market_outline(plan, dataset.platforms, dataset.seed)
    run = run_of(dataset)
    maker = _Maker(plan, dataset.platforms, run, outline)
    made = _evenly(plan.campaigns, plan.made or plan.campaigns)
    booked = [position for position in made if maker.is_booked(position)]
    return World(
        identity=identity_of(dataset),
        run=run,
        platform_models=dataset.platforms,
        platforms=tuple(platform_row(model) for model in dataset.platforms.values()),
        advertisers=LazySequence(maker.advertiser, maker.customers()),
        bookings=LazySequence(maker.booking, booked),
        outline=RunOutline(
            countries={
                name: tuple(sorted(model.countries))
                for name, model in sorted(dataset.platforms.items())
            },
            days=np.arange(day_number(plan.start_date), day_number(plan.end_date) + 1),
            ids=np.array(booked, dtype=np.int64) + 1,
            rows=maker.rows()[booked],
            booked=outline.booked_days,
        ),
        faults=dataset.faults,
        log=dataset.log,
        booked_later=len(made) - len(booked),
    )


def _evenly(campaigns: int, made: int) -> list[int]:
    """Return the positions of a sample of campaigns, evenly over the order of their booking.

    >>> _evenly(campaigns=10, made=4)
    [0, 2, 5, 7]
    """
    return [number * campaigns // made for number in range(made)]


@dataclass(frozen=True)
class LazySequence(Sequence[Member]):
    """A sequence that makes its members on demand, each from its position.

    >>> squares = LazySequence(lambda position: position**2, positions=[1, 2, 3, 5])
    >>> squares[3], squares[1:3], len(squares)
    (25, (4, 9), 4)
    """

    make: Callable[[int], Member]
    positions: Sequence[int]

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, position: int) -> Member: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[Member]: ...

    def __getitem__(self, position: int | slice) -> Member | Sequence[Member]:
        if isinstance(position, slice):
            return tuple(self.make(member) for member in self.positions[position])
        return self.make(self.positions[position])


@dataclass(frozen=True)
class _Maker:
    """Makes the entities of a market from their positions; an id is one more."""

    plan: MarketPlan
    platform_models: Mapping[str, PlatformModel]
    run: Run
    outline: MarketOutline

    @cached_property
    def pools(self) -> Pools:
        """The names that entities have."""
        return names.pools(self.run.seed)

    def __getstate__(self) -> dict[str, Any]:
        """Include the pools, so that the process that gets this does not make them again."""
        return {**vars(self), "pools": self.pools}

    def _plan_of(self, position: int) -> AdvertiserPlan:
        """Return what the outline says of an advertiser."""
        customers = self.outline.customers
        country = self.outline.countries[customers.home[position]]
        place = next(
            model.countries[country]
            for model in self.platform_models.values()
            if country in model.countries
        )
        return AdvertiserPlan(
            industry=self._industry(position),
            time_zone=max(place.zones, key=lambda zone: place.zones[zone]),
        )

    def _industry(self, position: int) -> Industry:
        mix = booking_mix_of(self.platform_models[self.plan.platforms[0]])
        return list(mix.industry)[self.outline.customers.industry[position]]

    def advertiser(self, position: int) -> Advertiser:
        """Return an advertiser with its state on the as-of day."""
        customers = self.outline.customers
        plan = self._plan_of(position)
        country = self.outline.countries[customers.home[position]]
        currency = next(
            model.countries[country].currency
            for model in self.platform_models.values()
            if country in model.countries
        )
        signed = moment_of(int(self.outline.customers.signed[position]))
        as_of = datetime.combine(self.run.as_of_date, time())
        changes = [signed]
        first_order = int(self.outline.first_order[position])
        if first_order < _NEVER:
            changes.append(moment_of(first_order))
        left = datetime.combine(date_of(int(customers.closes[position])), time())
        left += timedelta(days=_DAYS_UNTIL_LOST)
        has_left = bool(customers.is_lost[position]) and left <= as_of
        if has_left:
            changes.append(left)
        row = sign(plan, position + 1, FirstOrder(signed, currency), self.run, self.pools)
        return row.model_copy(
            update={
                "status": Status.PAUSED if has_left else Status.ACTIVE,
                "created_at": signed,
                "updated_at": max(moment for moment in changes if moment <= as_of),
            }
        )

    def customers(self) -> Sequence[int]:
        """Return the positions of the advertisers that are customers before the as-of day."""
        as_of = day_number(self.run.as_of_date) * MINUTES_A_DAY
        return range(int(np.count_nonzero(self.outline.customers.signed < as_of)))

    def is_booked(self, position: int) -> bool:
        """Return whether a campaign is booked before the as-of day."""
        as_of = day_number(self.run.as_of_date) * MINUTES_A_DAY
        return bool(self.outline.booked[position] < as_of)

    def order(self, position: int) -> Order:
        """Return a campaign as the outline has it."""
        outline = self.outline
        platform_model = self.platform_models[self.plan.platforms[outline.platform[position]]]
        buyer = int(outline.advertiser[position]) - 1
        tiers = booking_mix_of(self.platform_models[self.plan.platforms[0]]).customers.tiers
        return Order(
            platform_model=platform_model,
            advertiser_id=buyer + 1,
            advertiser=self._plan_of(buyer),
            industry=self._industry(buyer),
            tier=list(tiers.values())[outline.customers.tier[buyer]],
            country=outline.countries[outline.country[position]],
            devices=int(outline.devices[position]),
            start=date_of(int(outline.first_day[position])),
            end=date_of(int(outline.last_day[position])),
            creatives=[count for count in outline.creatives[position].tolist() if count],
            opportunities=float(outline.opportunities[position]),
            share=float(outline.share[position]),
            use=float(outline.use[position]),
        )

    def booking(self, position: int) -> Booking:
        """Return a campaign with everything that belongs to it."""
        order = self.order(position)
        scenario = scenario_of(order, Draw(self.run.seed, "market campaign", position + 1))
        booking = book(
            scenario,
            position + 1,
            order.advertiser_id,
            self.run,
            self.pools,
            booked=lambda _: moment_of(int(self.outline.booked[position])),
        )
        booking = steer(booking, order.mix.control, order.mix.rotation, self.run.seed)
        return change(booking, order.mix.changes, order.advertiser.time_zone, self.run.seed)

    def rows(self) -> Int64s:
        """Return the most rows of performance that each campaign has: (campaigns,). Fewer are made
        where several flights or a new creative leave days out."""
        outline = self.outline
        devices = np.zeros(outline.platform.size, dtype=np.int64)
        for index, name in enumerate(self.plan.platforms):
            here = outline.platform == index
            sets = booking_mix_of(self.platform_models[name]).devices
            sizes = np.array([len(device_mix.devices) for device_mix in sets])
            devices[here] = sizes[outline.devices[here]]
        days = outline.last_day - outline.first_day + 1
        return days * HOURS_A_DAY * devices * outline.creatives.sum(axis=1)
