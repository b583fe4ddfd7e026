"""Money as people agree on it: round budgets, prices of a rate card, shares in even steps."""

from __future__ import annotations

import math

from generator.enums import Currency
from generator.scenario.money import in_whole_units

# The first digits of budgets that people call round.
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 10.0)
_USUAL_CPM = 30.0


def round_budget(amount: float, digits: int, currency: Currency, most: float) -> float:
    """Return a round amount near this one, at most `most` if that is possible, in steps of the
    smallest unit of the currency.

    With 1 digit it is one of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5 and 8, times a power of ten.

    >>> round_budget(318_400.0, 1, Currency.USD, most=1e9)
    300000.0
    >>> round_budget(318_400.0, 2, Currency.USD, most=1e9)
    320000.0
    >>> round_budget(1_234.567, 15, Currency.JPY, most=1e9)
    1235.0
    """
    unit = currency.smallest_unit
    if amount < unit:
        return unit
    power = 10.0 ** math.floor(math.log10(amount))
    if digits == 1:
        levels = [level * power for level in _ROUND]
        near = min(levels, key=lambda level: abs(math.log(level / amount)))
        if near > most:
            near = max((level for level in levels if level <= most), default=amount)
    else:
        step = max(power / 10 ** (digits - 1), unit)
        near = round(amount / step) * step
        if near > most:
            near = math.floor(amount / step) * step
    return max(in_whole_units(near, currency), unit)


def card_price(cpm: float, step: float, level: float) -> float:
    """Return a price on the grid of a rate card, at least one step.

    `step` is for countries where a thousand impressions cost about 30. Where the level is a hundred
    times as high, the steps are.

    >>> card_price(31.17, 0.25, level=30.0), card_price(3_117.0, 0.25, level=3_000.0)
    (31.25, 3125.0)
    """
    step *= 10.0 ** round(math.log10(level / _USUAL_CPM))
    return round(max(round(cpm / step), 1) * step, 3)


def even_shares(weights: list[float], step: float) -> list[float]:
    """Return shares in proportion to weights in whole steps, at least one each, that add up to 1.

    >>> even_shares([0.62, 0.38], step=0.05)
    [0.6, 0.4]
    """
    steps = max(round(1 / step), len(weights))
    left = steps - len(weights)
    wanted = [max(weight / sum(weights) * steps - 1, 0.0) for weight in weights]
    total = sum(wanted) or 1.0
    exact = [left * part / total for part in wanted]
    counts = [int(part) for part in exact]
    by_rest = sorted(range(len(weights)), key=lambda index: counts[index] - exact[index])
    for index in by_rest[: left - sum(counts)]:
        counts[index] += 1
    return [round((count + 1) / steps, 10) for count in counts]
