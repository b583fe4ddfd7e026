"""The world of a market: advertisers and campaigns that are made on demand.

Campaign and advertiser k are functions of the seed, k and the outline of the market, so any range
of them can be made alone, in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np

from generator.arrays import Int64s
from generator.clock import HOURS_A_DAY, date_of, day_number
from generator.market.order import Draw, Order, scenario_of
from generator.market.outline import MarketOutline, count_advertisers, market_outline
from generator.market.shares import booking_mix_of
from generator.platform.model import PlatformModel
from generator.scenario.models import AdvertiserPlan, MarketPlan
from generator.scenario.templates import Dataset
from generator.schema import Advertiser, Run
from generator.schema.booking import Booking
from generator.world import names
from generator.world.build import (
    DAYS_BOOKED_AHEAD,
    FirstOrder,
    book,
    is_booked,
    platform_row,
    run_of,
    sign,
)
from generator.world.names import Pools
from generator.world.world import RunOutline, World, identity_of

Member = TypeVar("Member")


def build_market(dataset: Dataset) -> World:
    """Return the world of a dataset with a market."""
    plan = dataset.market
    assert plan is not None
    outline = market_outline(plan, dataset.platforms, dataset.seed)
    run = run_of(dataset)
    campaigns = plan.made or plan.campaigns
    maker = _Maker(plan, dataset.platforms, run, outline)
    booked = [position for position in range(campaigns) if maker.is_booked(position)]
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
        ),
        faults=dataset.faults,
        booked_later=campaigns - len(booked),
    )


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

    def advertiser(self, position: int) -> Advertiser:
        """Return an advertiser, which has been a customer since before the market opens."""
        country = self.outline.countries[self.outline.homes[position]]
        platform_model = next(
            model for model in self.platform_models.values() if country in model.countries
        )
        place = platform_model.countries[country]
        draw = Draw(self.run.seed, "market advertiser", position + 1)
        plan = AdvertiserPlan(
            industry=draw.of("industry", booking_mix_of(platform_model).industry),
            time_zone=max(place.zones, key=lambda zone: place.zones[zone]),
        )
        first = FirstOrder(datetime.combine(self._first_order_day, time(12)), place.currency)
        return sign(plan, position + 1, first, self.run, self.pools)

    @property
    def _first_order_day(self) -> date:
        """The day by which every advertiser has ordered."""
        return self.plan.start_date - timedelta(days=DAYS_BOOKED_AHEAD + 1)

    def customers(self) -> Sequence[int]:
        """Return the positions of the advertisers that are customers before the as-of day."""
        positions = range(count_advertisers(self.plan))
        as_of = self.run.as_of_date
        if as_of > self._first_order_day:
            return positions
        return [
            position
            for position in positions
            if self.advertiser(position).created_at.date() < as_of
        ]

    def is_booked(self, position: int) -> bool:
        """Return whether a campaign is booked before the as-of day."""
        first_day = date_of(int(self.outline.first_day[position]))
        return is_booked(first_day, position + 1, self.run)

    def order(self, position: int) -> Order:
        """Return a campaign as the outline has it."""
        outline = self.outline
        platform = self.plan.platforms[outline.platform[position]]
        return Order(
            platform_model=self.platform_models[platform],
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
        advertiser_id = int(self.outline.advertiser[position])
        brand = names.pick(self.pools.brands, self.run.seed, "brand", advertiser_id)
        draw = Draw(self.run.seed, "market campaign", position + 1)
        scenario = scenario_of(self.order(position), brand, draw)
        return book(scenario, position + 1, advertiser_id, self.run, self.pools)

    def rows(self) -> Int64s:
        """Return the rows of performance of each campaign: (campaigns,)."""
        outline = self.outline
        devices = np.zeros(outline.platform.size, dtype=np.int64)
        for index, name in enumerate(self.plan.platforms):
            here = outline.platform == index
            sets = booking_mix_of(self.platform_models[name]).devices
            sizes = np.array([len(device_mix.devices) for device_mix in sets])
            devices[here] = sizes[outline.devices[here]]
        days = outline.last_day - outline.first_day + 1
        return days * HOURS_A_DAY * devices * outline.creatives.sum(axis=1)
