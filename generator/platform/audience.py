"""The figures of audiences that differ: what segments have in common, and how viewers of an age
watch and click."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from generator.enums import TargetingKey
from generator.platform.figures import Autocorrelation, Figures, LogOdds, LogSd, Share
from generator.schema.text_types import Text

# The keys of targeting that say something about people and what they watch.
AUDIENCE_KEYS = (
    TargetingKey.AGE_RANGE,
    TargetingKey.GENDER,
    TargetingKey.HOUSEHOLD_INCOME,
    TargetingKey.LIFE_STAGE,
    TargetingKey.INTEREST_CATEGORY,
    TargetingKey.CONTENT_GENRE,
)


def _of_the_audience(name: TargetingKey) -> TargetingKey:
    if name not in AUDIENCE_KEYS:
        raise ValueError(f"{name} has no loadings; {', '.join(AUDIENCE_KEYS)} have some")
    return name


AudienceKey = Annotated[TargetingKey, Field(strict=False), AfterValidator(_of_the_audience)]
Loadings = dict[AudienceKey, dict[Text, LogOdds]]


class AudienceFactors(Figures):
    """Factors that bend the audience of a campaign away from the population.

    A segment's share is multiplied by e to the power of its `loadings` times the factors' scores;
    segments that are not named have a loading of 0. Scores are normal with the standard deviations
    `advertiser`, `campaign` and, from day to day, `day` (an AR(1)). A targeted segment moves the
    scores by `targeting_spill` times its loading. `click_by_age` and `completion_by_age` are
    log-odds around a campaign's rates.
    """

    loadings: dict[Text, Loadings] = Field(default={})
    advertiser: LogSd = 0.0
    campaign: LogSd = 0.0
    day: LogSd = 0.0
    day_autocorrelation: Autocorrelation = 0.9
    targeting_spill: Share = 0.0
    click_by_age: dict[Text, LogOdds] = Field(default={})
    completion_by_age: dict[Text, LogOdds] = Field(default={})
