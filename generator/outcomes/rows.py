"""Conversions as rows: what is reported of them, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator.arrays import Int64s, Keys, Mask
from generator.delivery.conversions import CountingCampaign
from generator.delivery.quantiles import normal
from generator.delivery.supply import DEVICES
from generator.enums import ConversionCause, ConversionSource, ConversionType, Device
from generator.log.people import People
from generator.log.rows import hex_ids
from generator.outcomes.baseline import BaselineEvents
from generator.permutation import ids
from generator.randomness import key, mix, uniforms
from generator.schema import Conversion, ConversionCauses, HouseholdOutcomes, RawTable
from generator.schema.arrow import arrow_schema
from generator.schema.log import REPORTED_BY

NOTHING = -1
CAUSES = tuple(ConversionCause)
BASELINE, CAUSED, DISPLACED = (
    CAUSES.index(cause)
    for cause in (ConversionCause.BASELINE, ConversionCause.CAUSED, ConversionCause.DISPLACED)
)
OwnEvents = tuple[BaselineEvents, Mask]
_TYPES, _SOURCES = tuple(ConversionType), tuple(ConversionSource)
_MICROS = 1_000_000
# A tag reports after some minutes, and no later than after some hours.
_REPORT_SECONDS, _LONGEST_REPORT_SECONDS = 120.0, 6 * 3600.0
# How many conversions on a website or in an app are done on a phone that is known.
_ON_A_PHONE = 0.5
_MOBILE = DEVICES.index(Device.MOBILE)


@dataclass(frozen=True)
class Events:
    """Conversions: (events,) each.

    `goal` is the position of what the campaign counts, `keys` are random keys, `household` numbers,
    `moment` and `without_ads` are in microseconds, `cause` positions in `CAUSES`, `impression` and
    `click` positions among impressions. What there is none of is `NOTHING`. `is_own` says which
    ones no earlier campaign of the advertiser has.
    """

    goal: Int64s
    keys: Keys
    household: Int64s
    moment: Int64s
    cause: Int64s
    without_ads: Int64s
    impression: Int64s
    click: Int64s
    is_own: Mask

    @classmethod
    def of(cls, parts: Sequence[Events]) -> Events:
        """Return the events of all parts."""
        names = [field.name for field in fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def take(self, kept: Int64s) -> Events:
        """Return some of the events."""
        return Events(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})

    def with_clicks(self, click: Int64s) -> Events:
        """Return the same events after clicks on these impressions."""
        return replace(self, click=click)


def values_micros(events: Events, campaign: CountingCampaign) -> Int64s:
    """Return what each conversion is worth, in micros of the campaign's currency: same shape."""
    worth = np.array([goal.value for goal in campaign.count.goals])[events.goal]
    log_sd = np.sqrt(np.log1p(campaign.figures.value_cv**2))
    value = worth * np.exp(log_sd * normal(uniforms(events.keys, "worth")) - 0.5 * log_sd**2)
    unit = campaign.booking.campaign.currency_code.smallest_unit
    return (np.floor(value / unit + 0.5) * np.round(unit * _MICROS)).astype(np.int64)


def conversions(
    events: Events,
    campaign: CountingCampaign,
    people: People,
    impression_ids: pa.Array,
    device_ids: pa.Array,
) -> pa.RecordBatch:
    """Return rows of `conversions`. The ids are those of the impressions that `events.click` is a
    position in, and of the devices that they were seen on."""
    booked = campaign.booking.campaign
    kinds = np.array([_TYPES.index(goal.conversion_type) for goal in campaign.count.goals])
    kind = kinds[events.goal]
    figures = campaign.figures
    keys = events.keys
    which, report, new = uniforms(keys, "source", "report", "new customer")
    shares = np.cumsum([figures.sources.get(source, 0.0) for source in _SOURCES])
    source = np.searchsorted(shares[:-1], which, side="right")
    delay = np.minimum(-np.log1p(-report) * _REPORT_SECONDS, _LONGEST_REPORT_SECONDS)
    tags = booked.advertiser_id * len(_TYPES) + kind
    no_order = kind != _TYPES.index(ConversionType.PURCHASE)
    click = _at(impression_ids, events.click)
    batch = _batch(
        Conversion,
        conversion_id=conversion_ids(keys),
        data_set_id=pa.array(ids(tags, key(people.population.seed, "data sets"))),
        advertiser_id=pa.array(np.full(keys.size, booked.advertiser_id)),
        order_id=pc.if_else(pa.array(no_order), None, _hex_of(keys, "order")),
        conversion_type=words(kind, _TYPES),
        conversion_source=words(source, _SOURCES),
        event_ts=_times(events.moment),
        received_at=_times(events.moment + (delay * _MICROS).astype(np.int64)),
        household_id=pa.array(people.population.household_ids(events.household)),
        device_id=_devices(events, source, people, device_ids),
        click_id=click,
        value_micros=pa.array(values_micros(events, campaign)),
        currency_code=words(np.zeros_like(kind), [booked.currency_code]),
        is_new_customer=pa.array(new < figures.new_customers),
    )
    return batch.replace_schema_metadata({REPORTED_BY: str(campaign.campaign_id)})


def _devices(events: Events, source: Int64s, people: People, clicked_on: pa.Array) -> pa.Array:
    """Return the device of each conversion: the one with the click, or a phone of the household."""
    phone, who = uniforms(events.keys, "phone", "person")
    profile = 1 + np.floor(who * people.sizes(events.household)).astype(np.int64)
    devices = people.device_ids(events.household, np.full(profile.size, _MOBILE), profile)
    online = [_SOURCES.index(one) for one in (ConversionSource.WEBSITE, ConversionSource.APP)]
    is_known = (phone < _ON_A_PHONE) & np.isin(source, online)
    of_click = _at(clicked_on, events.click)
    return pc.if_else(pa.array(events.click >= 0), of_click, pa.array(devices, mask=~is_known))


def causes(events: Events, campaign_id: int, impression_ids: pa.Array) -> pa.RecordBatch:
    """Return rows of `conversion_causes`."""
    by_ad = events.cause != BASELINE
    return _batch(
        ConversionCauses,
        conversion_id=conversion_ids(events.keys),
        cause=words(events.cause, CAUSES),
        campaign_id=pa.array(np.full(by_ad.size, campaign_id), mask=~by_ad),
        impression_id=_at(impression_ids, events.impression),
        without_ads_ts=pa.array(events.without_ads, mask=events.cause == CAUSED).view(
            pa.timestamp("us")
        ),
    )


def household_outcomes(
    events: Events, impressions: Int64s, campaign: CountingCampaign, people: People, horizon: int
) -> pa.RecordBatch:
    """Return rows of `household_outcomes`: `impressions` are those that the household of each event
    saw. Conversions from `horizon` on, in microseconds, are not counted."""
    kinds = [goal.conversion_type for goal in campaign.count.goals]
    cell = events.household * len(kinds) + events.goal
    distinct, first, of = np.unique(cell, return_index=True, return_inverse=True)
    without = (events.cause != CAUSED) & (events.without_ads < horizon)
    with_ads = np.bincount(of, minlength=distinct.size)
    without_ads = np.bincount(of, without, distinct.size)
    households = people.population.household_ids(events.household[first])
    return _batch(
        HouseholdOutcomes,
        campaign_id=pa.array(np.full(distinct.size, campaign.campaign_id)),
        household_id=pa.array(households),
        conversion_type=words(events.goal[first], kinds),
        impressions=pa.array(impressions[first].astype(np.int32)),
        conversions_without_ads=pa.array(without_ads.astype(np.int32)),
        conversions_with_ads=pa.array(with_ads.astype(np.int32)),
    )


def conversion_ids(keys: Keys) -> pa.Array:
    """Return the ids of conversions with these keys."""
    return _hex_of(keys, "conversion")


def _hex_of(keys: Keys, purpose: str) -> pa.Array:
    halves = [mix(keys + np.uint64(key(purpose, half))) for half in ("first half", "second half")]
    return hex_ids(np.stack(halves))


def _at(values: pa.Array, positions: Int64s) -> pa.Array:
    """Return the values at positions; NULL for `NOTHING`."""
    return values.take(pa.array(positions, mask=positions == NOTHING))


def words(codes: Int64s, vocabulary: Sequence[str]) -> pa.Array:
    """Return the words at positions of a vocabulary: same shape."""
    names = list(map(str, vocabulary))
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), names)


def _times(microseconds: Int64s) -> pa.Array:
    return pa.array(microseconds).view(pa.timestamp("us"))


def _batch(table: type[RawTable], **columns: pa.Array) -> pa.RecordBatch:
    schema = arrow_schema(table)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
