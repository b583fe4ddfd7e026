"""The kinds of value that files hold: days, amounts, shares, and what makes one valid."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from generator.enums import Device
from generator.schema.text_types import Text

_EXAMPLE_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[a-z0-9.-]{1,120}\.example")
DEVICE_SYNONYMS = {"TV": Device.CTV}
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


def _in_steps_of_a_thousandth(cpm: float) -> float:
    if abs(cpm * 1000 - round(cpm * 1000)) > 1e-6:
        raise ValueError(
            "a CPM is given in steps of 0.001, so that one impression costs whole micros"
        )
    return cpm


def _in_whole_micros(amount: float) -> float:
    if Decimal(repr(amount)) * 1_000_000 % 1:
        raise ValueError("an amount has at most six decimals")
    return amount


def _device_synonym(device: Any) -> Any:
    return DEVICE_SYNONYMS.get(device, device) if isinstance(device, str) else device


def _ends_in_example(address: str) -> str:
    if not _EXAMPLE_ADDRESS.fullmatch(address):
        raise ValueError(
            f"{address[:80]!r} is not a made-up address: those end in .example, "
            "which no one can own"
        )
    return address


def _without_repeats(values: list[Any]) -> list[Any]:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{str(value)[:80]} is listed twice")
        seen.add(value)
    return values


no_repeats = AfterValidator(_without_repeats)

Day = Annotated[date, Field(strict=True, ge=FIRST_DAY, le=LAST_DAY)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Cpm = Annotated[
    float, Field(strict=True, gt=0, le=10_000_000), AfterValidator(_in_steps_of_a_thousandth)
]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e12), AfterValidator(_in_whole_micros)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Segments = Annotated[list[Text], Field(min_length=1), no_repeats]
Devices = Annotated[
    list[Annotated[Device, BeforeValidator(_device_synonym)]],
    Field(min_length=1),
    no_repeats,
]
ExampleAddress = Annotated[str, AfterValidator(_ends_in_example)]
