"""The world of a market: advertisers and campaigns that are made as they are asked for.

Campaign and advertiser k are functions of the seed, k and the sketch of the market, so any range of
them can be made alone, in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np

from generator.arrays import Int64s
from generator.clock import EPOCH, HOURS_A_DAY, day_number
from generator.market.order import Draw, Order, scenario_of
from generator.market.outline import MarketOutline, advertisers_of, figures_of, market_outline
from generator.platform.model import PlatformModel
from generator.scenario.models import AdvertiserPlan, MarketPlan
from generator.scenario.templates import Dataset
from generator.schema import Advertiser, Run
from generator.schema.booking import Booking
from generator.world import names
from generator.world.build import FirstOrder, book, is_booked, platform_row, run_of, sign
from generator.world.names import Pools
from generator.world.world import RunOutline, World, identity_of

Member = TypeVar("Member")

# A campaign is booked at most 40 days before its flight, see `build`; its advertiser is older.
_DAYS_BOOKED_AHEAD = 41


def build_market(dataset: Dataset) -> World:
    """The world of a dataset with a market."""
    plan = dataset.market
    assert plan is not None
    outline = market_outline(plan, dataset.platforms, dataset.seed)
    run = run_of(dataset)
    made = plan.made or plan.campaigns
    maker = _Maker(plan, dataset.platforms, run, outline)
    booked = [position for position in range(made) if maker.is_booked(position)]
    return World(
        identity=identity_of(dataset),
        run=run,
        platform_models=dataset.platforms,
        platforms=tuple(platform_row(each) for each in dataset.platforms.values()),
        advertisers=LazySequence(maker.advertiser, maker.customers()),
        bookings=LazySequence(maker.booking, booked),
        outline=RunOutline(
            countries={
                name: tuple(sorted(platform_model.countries))
                for name, platform_model in sorted(dataset.platforms.items())
            },
            days=np.arange(day_number(plan.start_date), day_number(plan.end_date) + 1),
            rows=maker.rows()[booked],
        ),
        faults=dataset.faults,
        booked_later=made - len(booked),
    )


@dataclass(frozen=True)
class LazySequence(Sequence[Member]):
    """Members that are made as they are asked for, each from its position."""

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
        """With the pools: where this is sent to, nobody makes them again."""
        return {**vars(self), "pools": self.pools}

    def advertiser(self, position: int) -> Advertiser:
        """An advertiser: it was there before the market opens."""
        country = self.outline.countries[self.outline.homes[position]]
        platform_model = next(
            each for each in self.platform_models.values() if country in each.countries
        )
        place = platform_model.countries[country]
        draw = Draw(self.run.seed, "market advertiser", position + 1)
        plan = AdvertiserPlan(
            industry=draw.of("industry", figures_of(platform_model).industry),
            time_zone=max(place.zones, key=lambda zone: place.zones[zone]),
        )
        first = FirstOrder(datetime.combine(self._first_order_day, time(12)), place.currency)
        return sign(plan, position + 1, first, self.run, self.pools)

    @property
    def _first_order_day(self) -> date:
        """The day on which every advertiser has ordered."""
        return self.plan.start_date - timedelta(days=_DAYS_BOOKED_AHEAD)

    def customers(self) -> Sequence[int]:
        """Return the positions of the advertisers that are customers before the as-of day."""
        everybody = range(advertisers_of(self.plan))
        if self.run.as_of_date > self._first_order_day:
            return everybody
        day = self.run.as_of_date
        return [each for each in everybody if self.advertiser(each).created_at.date() < day]

    def is_booked(self, position: int) -> bool:
        """Return whether a campaign is booked before the as-of day."""
        first_day = EPOCH + timedelta(days=int(self.outline.first_day[position]))
        return is_booked(first_day, position + 1, self.run)

    def order(self, position: int) -> Order:
        """What the sketch says of a campaign."""
        return Order(
            platform_model=self.platform_models[
                self.plan.platforms[self.outline.platform[position]]
            ],
            country=self.outline.countries[self.outline.country[position]],
            devices=int(self.outline.devices[position]),
            start=EPOCH + timedelta(days=int(self.outline.first_day[position])),
            end=EPOCH + timedelta(days=int(self.outline.last_day[position])),
            creatives=[each for each in self.outline.creatives[position].tolist() if each],
            opportunities=float(self.outline.opportunities[position]),
            share=float(self.outline.share[position]),
            use=float(self.outline.use[position]),
        )

    def booking(self, position: int) -> Booking:
        """A campaign with everything that belongs to it."""
        advertiser_id = int(self.outline.advertiser[position])
        brand = names.pick(self.pools.brands, self.run.seed, "brand", advertiser_id)
        draw = Draw(self.run.seed, "market campaign", position + 1)
        scenario = scenario_of(self.order(position), brand, draw)
        return book(scenario, position + 1, advertiser_id, self.run, self.pools)

    def rows(self) -> Int64s:
        """The rows of performance of each campaign."""
        devices = np.zeros(self.outline.platform.size, dtype=np.int64)
        for index, name in enumerate(self.plan.platforms):
            own = self.outline.platform == index
            sets = figures_of(self.platform_models[name]).devices
            devices[own] = np.array([len(each.devices) for each in sets])[self.outline.devices[own]]
        days = self.outline.last_day - self.outline.first_day + 1
        return days * HOURS_A_DAY * devices * self.outline.creatives.sum(axis=1)
