"""The figures of the people behind the impressions: the profiles and devices of a household, and
when it sits down to watch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from generator.enums import IfaType
from generator.platform.figures import Figures, LogSd, Mix, Positive, Share

MOST_OF_A_HOUSEHOLD = 5
# Where breaks can be in an hour.
SPOTS_PER_HOUR = 12

UpToFive = Annotated[int, Field(ge=1, le=MOST_OF_A_HOUSEHOLD)]
VastErrorCode = Annotated[int, Field(ge=100, le=999)]
KindOfIfa = Annotated[IfaType, Field(strict=False)]


def _divides_the_spots(breaks: int) -> int:
    if SPOTS_PER_HOUR % breaks:
        raise ValueError(f"{breaks} does not divide {SPOTS_PER_HOUR}, the places for breaks")
    return breaks


class DevicesOfAHousehold(Figures):
    """How many devices of a group a household has. Each of its profiles has a phone."""

    CTV: Mix[UpToFive] = Field(default={1: 1.0})
    TABLET: Mix[UpToFive] = Field(default={1: 1.0})
    DESKTOP: Mix[UpToFive] = Field(default={1: 1.0})


class KindsOfIfa(Figures):
    """The kinds of identifier for advertising that devices of a group have. A browser has none."""

    CTV: Mix[KindOfIfa] = Field(default={IfaType.RIDA: 1.0})
    MOBILE: Mix[KindOfIfa] = Field(default={IfaType.AAID: 1.0})
    TABLET: Mix[KindOfIfa] = Field(default={IfaType.AAID: 1.0})


class PeopleFigures(Figures):
    """The people of a platform's households.

    `profiles` are the shares of households with 1 to 5 profiles. `viewing_by_profile` is how much
    the first to the fifth watch, relative to one another; likewise for the devices of a group.
    `age_spread` is how far apart in the order of ages two profiles of a household can be, as a
    part of the population. `factor_sd` is the standard deviation between people of the factors of
    `audience.factors`, which make attributes go together. `limit_ad_tracking` is the share of
    devices with each kind of identifier that ask not to be tracked.

    A household has a break every so often while it watches (`breaks_per_hour`), and begins another
    sitting after about `sitting_hours`, if it still watches or watches again.
    """

    profiles: Mix[UpToFive] = Field(default={1: 1.0})
    viewing_by_profile: Annotated[
        list[Positive], Field(min_length=MOST_OF_A_HOUSEHOLD, max_length=MOST_OF_A_HOUSEHOLD)
    ] = Field(default=[1.0] * MOST_OF_A_HOUSEHOLD)
    age_spread: Annotated[float, Field(gt=0, le=1)] = 1.0
    factor_sd: LogSd = 0.0
    devices: DevicesOfAHousehold = DevicesOfAHousehold()
    ifa_types: KindsOfIfa = KindsOfIfa()
    limit_ad_tracking: dict[KindOfIfa, Share] = Field(default={})
    breaks_per_hour: Annotated[int, Field(ge=2), AfterValidator(_divides_the_spots)] = 6
    sitting_hours: Annotated[int, Field(ge=3, le=48)] = 6
    vast_error_codes: Mix[VastErrorCode] = Field(default={900: 1.0})
