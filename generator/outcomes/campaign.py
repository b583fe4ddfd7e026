"""What the households that a campaign addresses do, with and without its ads.

Most impressions cause nothing, and most households convert in neither world. So the ads that may
cause something are found first, by random numbers alone. Only the households behind them, and those
that convert anyway, are looked at more closely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s, Keys, distinct
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, Hours
from generator.delivery.conversions import chance_of_causing, creative_effects, lift
from generator.delivery.interaction import wear_out
from generator.delivery.supply import DEVICES, device_column
from generator.enums import ConversionType, ExperimentDesign
from generator.log.people import People
from generator.log.population import Population
from generator.log.rows import CampaignLog, Views
from generator.outcomes import experiment, rows
from generator.outcomes.baseline import (
    Baseline,
    Claim,
    events_of,
    most_of_a_household,
    spread_of_households,
)
from generator.outcomes.lags import draw_lags, share_of_visits_within, share_within
from generator.outcomes.rows import BASELINE, CAUSED, DISPLACED, NOTHING, Events
from generator.randomness import key, mix, row_keys, uniforms
from generator.schema import (
    CampaignLift,
    Conversion,
    ConversionCauses,
    CreativeEffects,
    ExperimentLift,
    GhostImpression,
    HouseholdOutcomes,
    MediaReturns,
    RawTable,
)
from generator.schema.arrow import arrow_schema, to_arrow
from generator.schema.booking import ConversionGoal

_MICROSECONDS_A_DAY = HOURS_A_DAY * MICROSECONDS_AN_HOUR
_MICROSECONDS_A_MILLISECOND = 1000
# An ad causes at most one conversion of a type, and by no more than this chance.
_MOST_CHANCE = 0.9
# Of the households that convert anyway, ads bring forward no more than this part.
_MOST_DISPLACED = 0.5
# More spend meets households as the last part of the impressions did.
_LAST_PART = 0.1
WINDOWS_DAYS = (1, 7, 14, 30)
_IMPRESSIONS, _SPEND, _CLICKS = "impressions", "spend", "clicks"


@dataclass(frozen=True)
class _Found:
    """Impressions after which something may happen: (impressions,) each, `position` in the log of
    all households, `chance` a uniform in parts of the chance that it happens."""

    position: Int64s
    chance: Floats
    keys: Keys


@dataclass(frozen=True)
class _Sums:
    """Of all impressions: how many there are, what they cost, and what they cause and how many are
    clicked by the hour, also among the last part of them: (hours,) each from `first_hour` on.

    `by_cell` are sums by where they were seen: (2, cells) each, of all and of the last part, with
    cells of blocks and devices: impressions, what they cost, and by type what they cause until the
    horizon, on average.
    """

    impressions: int
    spend_micros: int
    first_hour: int
    caused: dict[ConversionType, Floats]
    caused_last: dict[ConversionType, Floats]
    clicks: Floats
    clicks_last: Floats
    by_cell: dict[ConversionType | str, Floats]


@dataclass(frozen=True)
class _Seen:
    """The impressions of some households, in order of household and time: (impressions,) each."""

    household: Int64s
    position: Int64s
    moment: Int64s
    impression_id: pa.Array
    device_id: pa.Array

    @property
    def size(self) -> int:
        """How many there are."""
        return self.position.size

    def at(self, position: Int64s) -> Int64s:
        """Return which of the impressions are at positions of the log: same shape."""
        order = np.argsort(self.position)
        return order[np.searchsorted(self.position[order], position)]

    def last_before(self, household: Int64s, moment: Int64s, longest: int) -> Int64s:
        """Return the last impression of each household before a moment and not longer ago than
        `longest`; -1 without one: same shape."""
        begin = int(min(self.moment.min(initial=0), moment.min(initial=0)))
        span = int(max(self.moment.max(initial=0), moment.max(initial=0))) - begin + 1
        span = span // _MICROSECONDS_A_MILLISECOND + 1
        numbers = distinct([self.household, household])

        def place(owner: Int64s, when: Int64s) -> Int64s:
            since = (when - begin) // _MICROSECONDS_A_MILLISECOND
            return np.searchsorted(numbers, owner) * span + since

        found = np.searchsorted(place(self.household, self.moment), place(household, moment)) - 1
        known = np.maximum(found, 0)
        if not self.household.size:
            return np.full(household.size, NOTHING)
        is_same = (found >= 0) & (self.household[known] == household)
        is_same &= (moment - self.moment[known] <= longest) & (self.moment[known] < moment)
        return np.where(is_same, found, NOTHING)


class _Places:
    """The countries and regions that the blocks of a population are in; `names` are in order."""

    def __init__(self, population: Population) -> None:
        of_blocks = list(zip(population.country, population.region, strict=True))
        self.names = sorted(set(of_blocks))
        place = np.array([self.names.index(name) for name in of_blocks])
        self._in_order = np.argsort(place, kind="stable")
        self._begins = np.searchsorted(place[self._in_order], np.arange(len(self.names)))

    def add_up(self, sums: Floats) -> Floats:
        """Return sums by block and device, (2, blocks * devices), by place and device: (2, places *
        devices)."""
        of_blocks = sums.reshape(2, -1, len(DEVICES))[:, self._in_order]
        result: Floats = np.add.reduceat(of_blocks, self._begins, axis=1).reshape(2, -1)
        return result


class CampaignOutcomes:
    """The outcomes of one campaign in the households of its log.

    `earlier` are the claims of the campaigns of the advertiser with lower ids, `panel` are the
    households of the log, None for all, and `horizon` is the moment up to which the run goes, in
    microseconds.
    """

    def __init__(
        self,
        log: CampaignLog,
        people: People,
        own: Claim,
        earlier: Sequence[Claim],
        panel: Int64s | None,
        horizon: int,
    ) -> None:
        self._log = log
        self._people = people
        self._own = own
        self._earlier = earlier
        self._panel = panel
        self._horizon = horizon
        self._campaign = own.campaign
        self._figures = own.campaign.figures
        booking = own.campaign.booking
        self._creatives = [one for item in booking.line_items for one in item.creatives]
        ids = [one.creative_id for one in self._creatives]
        self._creative_ids: Int64s = np.array(ids, dtype=np.int64)
        self._effects = creative_effects(own.campaign, ids)
        goals = own.campaign.count.goals
        self._chances = [chance_of_causing(own.campaign, goal) for goal in goals]
        self._lifts = [lift(own.campaign, goal) for goal in goals]

    @property
    def _goals(self) -> tuple[ConversionGoal, ...]:
        return self._campaign.count.goals

    def converting_households(self) -> Int64s:
        """Return the household of each conversion: (conversions,)."""
        return self._own_events.household

    @cached_property
    def conversions(self) -> pa.RecordBatch:
        """The conversions as rows."""
        seen = self._seen
        return rows.conversions(
            self._own_events, self._campaign, self._people, seen.impression_id, seen.device_id
        )

    @cached_property
    def _own_events(self) -> Events:
        """The conversions that no earlier campaign has."""
        return self._landed.take(np.flatnonzero(self._landed.is_own))

    def pieces(self) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
        """Yield the conversions, and the truth about them."""
        yield Conversion, self.conversions
        campaign_id = self._campaign.campaign_id
        ads = pa.concat_arrays([self._seen.impression_id, self._ghosts.impression_id])
        yield ConversionCauses, rows.causes(self._own_events, campaign_id, ads)
        yield HouseholdOutcomes, self._household_outcomes()
        yield from self._experiment()
        for table, entities in (
            (CampaignLift, self._lift()),
            (CreativeEffects, self._creative_effects()),
        ):
            for batch in to_arrow(table, entities).to_batches():
                yield table, batch
        yield MediaReturns, self._returns()

    @cached_property
    def _scan(self) -> tuple[list[_Found], list[_Found], _Sums]:
        """What may happen after impressions, by goal: what a view may cause, and what may follow a
        click; and the sums over all impressions."""
        caused: list[list[_Found]] = [[] for _ in self._goals]
        followed: list[list[_Found]] = [[] for _ in self._goals]
        first_hour = self._own.begin // MICROSECONDS_AN_HOUR
        hours = (self._own.end - self._own.begin) // MICROSECONDS_AN_HOUR
        kinds = [goal.conversion_type for goal in self._goals]
        by_hour = {name: np.zeros((2, hours)) for name in (*kinds, _CLICKS)}
        cells = self._people.population.households.size * len(DEVICES)
        by_cell = {name: np.zeros((2, cells)) for name in (*kinds, _IMPRESSIONS, _SPEND)}
        longest = self._figures.longest_lag_days
        after = self._shares_after(hours, longest)
        until_visit = self._shares_after(hours, longest, of_visits=True)
        before = 0
        last_begins = self._log.size - int(self._log.size * _LAST_PART)
        for views in self._log.views():
            first = max(last_begins - before, 0)
            before += views.position.size
            hour = views.hour - first_hour
            cell = views.block * len(DEVICES) + views.device
            relative = self._relative_chances(views)
            clicked = np.flatnonzero(views.is_clicked)
            _count(by_hour[_CLICKS], hour[clicked], None, int(np.searchsorted(clicked, first)))
            _count(by_cell[_IMPRESSIONS], cell, None, first)
            _count(by_cell[_SPEND], cell, views.spend_micros, first)
            for number, goal in enumerate(self._goals):
                kind = goal.conversion_type
                chance = self._chances[number] * relative
                _count(by_hour[kind], hour, chance, first)
                of_click = goal.click_rate * self._lifts[number]
                for share, (after_view, after_click), caused_kind in (
                    (1.0, after, kind),
                    (self._upstream_of(goal), until_visit, ConversionType.VISIT),
                ):
                    if share:
                        causes = share * chance * after_view[hour]
                        causes[clicked] += share * of_click * after_click[hour[clicked]]
                        _count(by_cell[caused_kind], cell, causes, first)
                caused[number].append(self._causing(views, key("causes", str(kind)), chance))
                most = 1.0 + self._lifts[number]
                stream = key("follows", str(kind))
                followed[number].append(self._following(views, stream, goal.click_rate, most))
        sums = _Sums(
            before,
            int(by_cell[_SPEND].sum()),
            first_hour,
            {kind: by_hour[kind].sum(axis=0) for kind in kinds},
            {kind: by_hour[kind][1] for kind in kinds},
            by_hour[_CLICKS].sum(axis=0),
            by_hour[_CLICKS][1],
            by_cell,
        )
        return [_together(one) for one in caused], [_together(one) for one in followed], sums

    def _causing(self, views: Views, stream: int, chance: Floats) -> _Found:
        """Return the impressions that cause something in some household, with such chances."""
        keys = mix(views.keys + np.uint64(stream))
        part = uniforms(keys, "chance") / np.maximum(chance, 1e-300)
        some = np.flatnonzero(part < most_of_a_household(self._figures.susceptibility_log_sd))
        return _Found(views.position[some], part[some], keys[some])

    def _following(self, views: Views, stream: int, click_rate: float, most: float) -> _Found:
        """Return the clicks that something follows, with up to `most` times the chance that it
        does."""
        clicked = np.flatnonzero(views.is_clicked)
        keys = mix(views.keys[clicked] + np.uint64(stream))
        part = uniforms(keys, "chance") / max(click_rate, 1e-300)
        some = np.flatnonzero(part < most)
        return _Found(views.position[clicked[some]], part[some], keys[some])

    @cached_property
    def _withheld(self) -> tuple[list[_Found], list[_Found], Int64s]:
        """What may happen to households that an experiment holds out, by goal: what is caused by
        ads that reach them all the same, and what would follow a click that they would have made;
        and the households."""
        nothing = [_together([])] * len(self._goals)
        found = [(nothing, nothing, np.zeros(0, dtype=np.int64))]
        booked = self._campaign.booking.experiment
        for households, is_control in self._log.members() if booked else ():
            assert booked is not None
            household, views = self._log.mirrored_views(households[is_control])
            reaches = uniforms(views.keys, "leaks") < booked.contamination
            relative = self._relative_chances(views) * reaches
            caused, followed = [], []
            for number, goal in enumerate(self._goals):
                kind = str(goal.conversion_type)
                chance = self._chances[number] * relative
                caused.append(self._causing(views, key("leaks", kind), chance))
                stream = key("would follow", kind)
                followed.append(self._following(views, stream, goal.click_rate, 1.0))
            position = np.concatenate([one.position for one in (*caused, *followed)])
            found.append((caused, followed, household[np.isin(views.position, position)]))
        caused, followed = (
            [_together(parts) for parts in zip(*by_block, strict=True)]
            for by_block in (
                [block[0] for block in found],
                [block[1] for block in found],
            )
        )
        return caused, followed, distinct(block[2] for block in found)

    def _relative_chances(self, views: Views) -> Floats:
        """Return what impressions may cause relative to a first one that is seen to the end by a
        usual household, with a usual creative: same shape."""
        creative = np.searchsorted(self._creative_ids, views.creative_id)
        interaction = self._campaign.platform_model.interaction
        left = wear_out(interaction, views.exposure.astype(np.float64))
        return self._effects[creative] * left * views.seen

    @cached_property
    def _baselines(self) -> list[rows.OwnEvents]:
        """What households do without ads, by goal."""
        advertiser_id = self._campaign.booking.campaign.advertiser_id
        return [
            events_of(
                Baseline(self._people.population, advertiser_id, goal.conversion_type),
                self._own,
                self._earlier,
                self._panel,
            )
            for goal in self._goals
        ]

    @cached_property
    def _seen(self) -> _Seen:
        """The impressions of the households to which something happens."""
        caused, followed, _ = self._scan
        position = distinct(one.position for one in (*caused, *followed))
        households = [events.number for events, _ in self._baselines]
        numbers = distinct([self._log.households_at(position), *households])
        position, household, batch = self._log.impressions_of(numbers)
        ids = batch.column("impression_id"), batch.column("device_id")
        return _seen_of(position, household, batch.column("event_ts"), *ids)

    @cached_property
    def _ghosts(self) -> _Seen:
        """What held-out households would have seen to which something happens."""
        position, household, batch = self._log.ghosts(self._withheld[2])
        no_devices = pa.nulls(position.size, pa.int64())
        ids = batch.column("ghost_id"), no_devices
        return _seen_of(position, household, batch.column("event_ts"), *ids)

    @cached_property
    def _landed(self) -> Events:
        """All conversions up to the horizon, in order of time; also those that an earlier campaign
        has, which are not its own."""
        caused, followed, _ = self._scan
        events = [
            part
            for number in range(len(self._goals))
            for part in (
                self._without_ads(number),
                self._caused(number, caused[number], self._seen),
                self._followed(number, followed[number]),
                *self._in_control(number),
            )
        ]
        together = Events.of(events)
        together = Events.of([together, self._visits_before(together)])
        is_landed = (together.moment < self._horizon) & (together.moment >= self._own.begin)
        order = np.lexsort((together.keys, together.moment))
        return together.take(order[is_landed[order]])

    def _visits_before(self, events: Events) -> Events:
        """Return the visits that come before other conversions: after the ad where one acted."""
        share = np.array([self._upstream_of(goal) for goal in self._goals])[events.goal]
        later = events.take(np.flatnonzero(uniforms(events.keys, "visits first") < share))
        keys = mix(later.keys + np.uint64(key("visit")))
        ads = np.concatenate([self._seen.moment, self._ghosts.moment])
        ad = np.where(later.click == NOTHING, later.impression, later.click)
        lag = draw_lags(self._figures.view_lag, self._figures.longest_lag_days, keys)
        after_ad = later.moment - np.append(ads, 0)[ad]
        before = uniforms(keys, "before") * np.where(ad == NOTHING, lag, after_ad)
        earlier = before.astype(np.int64)
        kinds = [goal.conversion_type for goal in self._goals]
        visit = kinds.index(ConversionType.VISIT) if later.goal.size else 0
        return replace(
            later,
            goal=np.full(later.goal.size, visit),
            keys=keys,
            moment=later.moment - earlier,
            without_ads=np.where(
                later.without_ads == NOTHING, NOTHING, later.without_ads - earlier
            ),
        )

    def _without_ads(self, number: int) -> Events:
        """Return what households do without ads, some of it brought forward by one."""
        events, is_own = self._baselines[number]
        seen, share = self._seen, self._figures.displaced
        longest = self._figures.longest_lag_days * _MICROSECONDS_A_DAY
        last = seen.last_before(events.number, events.moment, longest)
        part = min(share / (1.0 - share) * self._lifts[number], _MOST_DISPLACED)
        is_displaced = (last >= 0) & (uniforms(events.keys, "displaced") < part) & is_own
        moment = events.moment.copy()
        if is_displaced.any():
            after = seen.moment[last[is_displaced]]
            gap = moment[is_displaced] - after
            keys = events.keys[is_displaced]
            lag = draw_lags(self._figures.view_lag, self._figures.longest_lag_days, keys)
            within = (uniforms(keys, "sooner") * gap).astype(np.int64)
            moment[is_displaced] = after + np.where(lag < gap, lag, within)
        return Events(
            goal=np.full(moment.size, number),
            keys=events.keys,
            household=events.number,
            moment=moment,
            cause=np.where(is_displaced, DISPLACED, BASELINE),
            without_ads=events.moment,
            impression=np.where(is_displaced, last, NOTHING),
            click=np.full(moment.size, NOTHING),
            is_own=is_own,
        )

    def _in_control(self, number: int) -> Iterator[Events]:
        """Yield what happens in the control arm beside its baseline. Ads that reach it all the same
        are after those that were seen."""
        leaked, followed, numbers = self._withheld
        if numbers.size:
            caused = self._caused(number, leaked[number], self._ghosts)
            yield replace(caused, impression=caused.impression + self._seen.size)
            keys = followed[number].keys
            impression = self._ghosts.at(followed[number].position)
            lag = draw_lags(self._figures.click_lag, self._figures.longest_lag_days, keys)
            cause = np.full(keys.size, BASELINE)
            yield _after_ads(number, keys, self._ghosts, impression, lag, cause)

    def _caused(self, number: int, found: _Found, seen: _Seen) -> Events:
        """Return what views cause."""
        impression = seen.at(found.position)
        household = seen.household[impression]
        stream = key(
            self._people.population.seed,
            "susceptible",
            self._campaign.booking.campaign.advertiser_id,
        )
        spread = spread_of_households(
            self._figures.susceptibility_log_sd, row_keys(stream, household), "effect"
        )
        limit = np.minimum(spread, _MOST_CHANCE / self._most_chance(number))
        kept = np.flatnonzero(found.chance < limit)
        impression, keys = impression[kept], found.keys[kept]
        lag = draw_lags(self._figures.view_lag, self._figures.longest_lag_days, keys)
        return _after_ads(number, keys, seen, impression, lag, np.full(kept.size, CAUSED))

    def _most_chance(self, number: int) -> float:
        """Return the most that a creative causes at its first view by a usual household."""
        return max(self._chances[number] * float(self._effects.max()), 1e-300)

    def _followed(self, number: int, found: _Found) -> Events:
        """Return what follows clicks: most of it happens without ads as well."""
        impression = self._seen.at(found.position)
        lag = draw_lags(self._figures.click_lag, self._figures.longest_lag_days, found.keys)
        cause = np.where(found.chance < 1.0, BASELINE, CAUSED)
        events = _after_ads(number, found.keys, self._seen, impression, lag, cause)
        return events.with_clicks(impression)

    def _household_outcomes(self) -> pa.RecordBatch:
        landed = self._landed
        seen = np.searchsorted(self._seen.household, landed.household, side="right")
        seen -= np.searchsorted(self._seen.household, landed.household, side="left")
        return rows.household_outcomes(landed, seen, self._campaign, self._people, self._horizon)

    def _experiment(self) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
        """Yield the experiment of the campaign and what it should find; nothing without one."""
        booked = self._campaign.booking.experiment
        if booked is None:
            return
        yield from experiment.design_rows(booked, self._own, self._horizon)
        before = experiment.BeforeExperiment(self._own, self._people.population)
        in_arms = np.zeros(2, dtype=np.int64)
        for households, is_control in self._log.members():
            in_arms += np.bincount(is_control, minlength=2)
            yield experiment.assignments(self._own, before, households, is_control)
            if booked.design is not ExperimentDesign.INTENT_TO_TREAT:
                yield GhostImpression, self._log.ghosts(households[is_control])[2]
        landed, reached = self._landed, self._log.reached_households()
        is_reached = np.isin(landed.household, reached)
        is_caused = landed.cause == CAUSED
        is_without = is_reached & ~is_caused & (landed.without_ads < self._horizon)
        for number, goal in enumerate(self._goals):
            kind = goal.conversion_type
            mine = landed.goal == number
            without = int((mine & is_without).sum())
            lift = ExperimentLift(
                experiment_id=self._campaign.campaign_id,
                conversion_type=kind,
                contamination=booked.contamination,
                test_households=int(in_arms[0]),
                control_households=int(in_arms[1]),
                reached_households=reached.size,
                conversions_without_ads=without,
                caused_conversions=int((mine & is_reached).sum()) - without,
                expected_conversions=self._expected(number, self._figures.longest_lag_days),
                leaked_conversions=int((mine & is_caused & ~is_reached).sum()),
            )
            for batch in to_arrow(ExperimentLift, [lift]).to_batches():
                yield ExperimentLift, batch

    def _lift(self) -> list[CampaignLift]:
        """Return what the campaign causes, by goal and window."""
        _, _, sums = self._scan
        landed = self._landed
        value = rows.values_micros(landed, self._campaign)
        is_caused = (landed.cause == CAUSED) & (landed.impression < self._seen.size)
        lag = np.zeros_like(landed.moment)
        lag[is_caused] = landed.moment[is_caused] - self._seen.moment[landed.impression[is_caused]]
        result = []
        for number, goal in enumerate(self._goals):
            kind = goal.conversion_type
            for days in WINDOWS_DAYS:
                counted = is_caused & (landed.goal == number) & (lag <= days * _MICROSECONDS_A_DAY)
                expected = self._expected(number, days)
                last = self._expected(number, days, is_last=True)
                more = 0.01 * last / _LAST_PART
                result.append(
                    CampaignLift(
                        campaign_id=self._campaign.campaign_id,
                        conversion_type=kind,
                        window_days=days,
                        impressions=sums.impressions,
                        spend_micros=sums.spend_micros,
                        caused_conversions=int(counted.sum()),
                        caused_value_micros=int(value[counted].sum()),
                        expected_conversions=expected,
                        expected_value=expected * goal.value,
                        marginal_conversions=more,
                        marginal_value=more * goal.value,
                    )
                )
        return result

    def _expected(self, number: int, days: int, is_last: bool = False) -> float:
        """Return the conversions that the ads cause within a window, up to the horizon; or those of
        the last part of the ads. Visits also come before what else is caused."""
        expected = self._expected_after_ads(number, days, is_last)
        if self._goals[number].conversion_type is ConversionType.VISIT:
            for other, goal in enumerate(self._goals):
                if share := self._upstream_of(goal):
                    expected += share * self._expected_after_ads(other, days, is_last, True)
        return expected

    def _expected_after_ads(
        self, number: int, days: int, is_last: bool, of_visits: bool = False
    ) -> float:
        """Return the conversions of a goal that views and clicks cause within a window, up to the
        horizon; with `of_visits`, how many of them would have a visit within it."""
        _, _, sums = self._scan
        goal = self._goals[number]
        caused = (sums.caused_last if is_last else sums.caused)[goal.conversion_type]
        clicks = sums.clicks_last if is_last else sums.clicks
        after_view, after_click = self._shares_after(caused.size, days, of_visits)
        of_clicks = clicks * goal.click_rate * self._lifts[number]
        return float(caused @ after_view + of_clicks @ after_click)

    def _shares_after(
        self, hours: int, days: int, of_visits: bool = False
    ) -> tuple[Floats, Floats]:
        """Return the part of what views and clicks of each hour cause that comes within a window,
        up to the horizon: (hours,) each. With `of_visits`, that of the visits before it."""
        figures = self._figures
        hour: Hours = self._own.begin // MICROSECONDS_AN_HOUR + np.arange(hours)
        left = (self._horizon // MICROSECONDS_AN_HOUR - hour - 0.5) / HOURS_A_DAY
        within = np.clip(left, 0.0, days)
        share = share_of_visits_within if of_visits else share_within
        after_view, after_click = (
            share(parts, figures.longest_lag_days, within)
            for parts in (figures.view_lag, figures.click_lag)
        )
        return after_view, after_click

    def _upstream_of(self, goal: ConversionGoal) -> float:
        """Return the share of a goal's conversions that follow a visit which is counted."""
        kinds = {goal.conversion_type for goal in self._goals}
        is_visit = goal.conversion_type is ConversionType.VISIT
        return self._figures.upstream if ConversionType.VISIT in kinds and not is_visit else 0.0

    def _returns(self) -> pa.RecordBatch:
        """Return what the campaign causes by where its ads are seen. One more impression there
        causes what the last part of them caused there, or anywhere if there was none."""
        _, _, sums = self._scan
        places = _Places(self._people.population)
        counts = places.add_up(sums.by_cell[_IMPRESSIONS])
        cell = np.flatnonzero(counts.sum(axis=0))
        counts = counts[:, cell]
        spend = places.add_up(sums.by_cell[_SPEND])[:, cell].sum(axis=0)
        parts = []
        for number, goal in enumerate(self._goals):
            caused = places.add_up(sums.by_cell[goal.conversion_type])[:, cell]
            anywhere = caused[1].sum() / max(counts[1].sum(), 1.0)
            of_one = np.where(counts[1] > 0, caused[1] / np.maximum(counts[1], 1.0), anywhere)
            expected, more = caused.sum(axis=0), 0.01 * of_one * counts.sum(axis=0)
            parts.append((number, expected, more, goal.value))
        where = [places.names[one] for one in cell // len(DEVICES)]
        goals = np.repeat(np.arange(len(parts)), cell.size)
        values = np.repeat([value for *_, value in parts], cell.size)
        expected = np.concatenate([one for _, one, _, _ in parts])
        more = np.concatenate([one for _, _, one, _ in parts])
        columns = {
            "campaign_id": pa.array(np.full(goals.size, self._campaign.campaign_id)),
            "conversion_type": rows.words(goals, [goal.conversion_type for goal in self._goals]),
            "device": device_column(np.tile(cell % len(DEVICES), len(parts)).astype(np.int8)),
            "country": pa.array([country for country, _ in where] * len(parts)),
            "region_code": pa.array([region for _, region in where] * len(parts)),
            "impressions": pa.array(np.tile(counts.sum(axis=0).astype(np.int32), len(parts))),
            "spend_micros": pa.array(np.tile(spend.astype(np.int64), len(parts))),
            "expected_conversions": pa.array(expected),
            "expected_value": pa.array(expected * values),
            "marginal_conversions": pa.array(more),
            "marginal_value": pa.array(more * values),
        }
        return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(MediaReturns))

    def _creative_effects(self) -> list[CreativeEffects]:
        return [
            CreativeEffects(
                creative_id=creative.creative_id,
                campaign_id=self._campaign.campaign_id,
                conversion_type=goal.conversion_type,
                relative_effect=effect,
                chance=min(chance * effect, _MOST_CHANCE),
            )
            for creative, effect in zip(self._creatives, self._effects.tolist(), strict=True)
            for goal, chance in zip(self._goals, self._chances, strict=True)
        ]


def _count(sums: Floats, cell: Int64s, weights: Floats | Int64s | None, first: int) -> None:
    """Add up weights by cell, in place: those from the position `first` on in the second row of
    (2, cells), and the others in the first."""
    for row, span in ((0, slice(None, first)), (1, slice(first, None))):
        if cell[span].size:
            of_span = None if weights is None else weights[span]
            sums[row] += np.bincount(cell[span], of_span, sums.shape[1])


def _seen_of(
    position: Int64s,
    household: Int64s,
    event_ts: pa.Array,
    impression_id: pa.Array,
    device_id: pa.Array,
) -> _Seen:
    """Return impressions in order of household and time."""
    moment = event_ts.view(pa.int64()).to_numpy()
    order = np.lexsort((moment, household))
    return _Seen(
        household=household[order],
        position=position[order],
        moment=moment[order],
        impression_id=impression_id.take(pa.array(order)),
        device_id=device_id.take(pa.array(order)),
    )


def _together(found: Sequence[_Found]) -> _Found:
    """Return what was found in blocks as one."""
    nothing = _Found(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.uint64))
    return _Found(
        *(
            np.concatenate([getattr(part, field.name) for part in (nothing, *found)])
            for field in fields(_Found)
        )
    )


def _after_ads(
    number: int, keys: Keys, seen: _Seen, impression: Int64s, lag: Int64s, cause: Int64s
) -> Events:
    """Return conversions at a lag after impressions."""
    moment = seen.moment[impression] + lag
    return Events(
        goal=np.full(moment.size, number),
        keys=keys,
        household=seen.household[impression],
        moment=moment,
        cause=cause,
        without_ads=np.where(cause == CAUSED, NOTHING, moment),
        impression=np.where(cause == CAUSED, impression, NOTHING),
        click=np.full(moment.size, NOTHING),
        is_own=np.ones(moment.size, dtype=np.bool_),
    )
