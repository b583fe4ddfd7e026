"""An experiment on a campaign as rows: its design, who is in which arm, and what was known of each
household before it began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s, Mask
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR
from generator.delivery.conversions import DAYS_A_MONTH
from generator.delivery.ledger import activity
from generator.enums import ConversionType, ExperimentArm
from generator.log.population import Population
from generator.outcomes.baseline import Baseline, Claim, spread_of_households
from generator.randomness import key, row_keys, uniforms
from generator.schema import Experiment, ExperimentAssignment, RawTable
from generator.schema.arrow import arrow_schema, to_arrow
from generator.schema.booking import BookedExperiment

_MICROSECONDS_A_DAY = HOURS_A_DAY * MICROSECONDS_AN_HOUR
_ARMS = (ExperimentArm.TEST, ExperimentArm.CONTROL)
# How much a household watches in a month varies around what it watches in the long run (log-sd).
_VIEWING_LOG_SD = 0.3


class BeforeExperiment:
    """What households did in the 28 days before an experiment."""

    def __init__(self, claim: Claim, population: Population) -> None:
        self._claim = claim
        self._population = population
        begin = claim.begin - DAYS_A_MONTH * _MICROSECONDS_A_DAY
        self._earlier = replace(claim, begin=begin, end=claim.begin)
        advertiser_id = claim.campaign.booking.campaign.advertiser_id
        self._baselines = [
            Baseline(population, advertiser_id, goal.conversion_type)
            for goal in claim.campaign.count.goals
        ]

    def conversions(self, numbers: Int64s) -> Int64s:
        """Return what each household did, of all that the campaign counts: same shape."""
        in_order = np.sort(numbers)
        found = [one.events(self._earlier, in_order) for one in self._baselines]
        events = [one.number for one in found]
        kinds = [goal.conversion_type for goal in self._claim.campaign.count.goals]
        if ConversionType.VISIT in kinds:
            share = self._claim.campaign.figures.upstream
            events += [
                one.number[uniforms(one.keys, "visits first") < share]
                for one, kind in zip(found, kinds, strict=True)
                if kind is not ConversionType.VISIT
            ]
        place = np.searchsorted(in_order, np.concatenate(events))
        counts = np.bincount(place, minlength=numbers.size)
        return counts[np.searchsorted(in_order, numbers)]

    def viewing_hours(self, numbers: Int64s) -> Floats:
        """Return how long each household watched: same shape."""
        campaign = self._claim.campaign
        stream = key(campaign.seed, "prior viewing", campaign.campaign_id)
        hours = activity(self._population.watching(numbers), campaign.shape_k)
        hours *= DAYS_A_MONTH * campaign.platform_model.supply.hours_per_household_day
        hours *= spread_of_households(_VIEWING_LOG_SD, row_keys(stream, numbers), "viewing")
        hours = np.minimum(hours, DAYS_A_MONTH * HOURS_A_DAY)
        tenths: Floats = np.floor(10.0 * hours + 0.5) / 10.0
        return tenths


def design_rows(
    booked: BookedExperiment, claim: Claim, horizon: int
) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
    """Yield the row of `experiments` of a campaign in a run that goes up to `horizon`, in
    microseconds."""
    campaign_id = claim.campaign.campaign_id
    row = Experiment(
        experiment_id=campaign_id,
        campaign_id=campaign_id,
        experiment_design=booked.design,
        experiment_unit=booked.unit,
        control_share=booked.control_share,
        starts_at=_moment(claim.begin),
        ends_at=_moment(max(claim.begin, min(claim.end, horizon))),
    )
    for batch in to_arrow(Experiment, [row]).to_batches():
        yield Experiment, batch


def assignments(
    claim: Claim, before: BeforeExperiment, numbers: Int64s, is_control: Mask
) -> tuple[type[RawTable], pa.RecordBatch]:
    """Return the rows of `experiment_assignments` of some households."""
    columns = {
        "experiment_id": pa.array(np.full(numbers.size, claim.campaign.campaign_id)),
        "household_id": pa.array(claim.addressed.population.household_ids(numbers)),
        "experiment_arm": pa.DictionaryArray.from_arrays(
            pa.array(is_control.astype(np.int8)), [str(arm) for arm in _ARMS]
        ),
        "prior_conversions": pa.array(before.conversions(numbers).astype(np.int32)),
        "prior_viewing_hours": pa.array(before.viewing_hours(numbers)),
    }
    schema = arrow_schema(ExperimentAssignment)
    arrays = [columns[name] for name in schema.names]
    return ExperimentAssignment, pa.RecordBatch.from_arrays(arrays, schema=schema)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).replace(tzinfo=None)
