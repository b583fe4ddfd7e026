"""The deal: what became of each impression of an hourly row, so that every count of the row is met
exactly.

The impressions of a row have the numbers 0 to n - 1, which say nothing of who sees them. A shuffle
puts them in the order of the funnel: the first ones completed, the last ones never started. The
numbers themselves are a circle, turned by a random amount, and each other count is a stretch of it,
from a random place on. The place of one impression is known without the others, so a panel costs
what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.arrays import Int64s, Keys, Mask
from generator.permutation import Shuffles
from generator.randomness import key, mix, uniforms

# The events that an impression has one after the other: the columns with their counts.
FUNNEL = ("video_starts", "video_q25", "video_q50", "video_q75", "video_q100")
# The columns of an hourly row that its impressions add up to.
COUNTS = (
    "impressions",
    "measurable_impressions",
    "viewable_impressions",
    "audible_impressions",
    *FUNNEL,
    "clicks",
    "skips",
    "qr_scans",
    "interactive_engagements",
    "spend_micros",
)


@dataclass(frozen=True)
class Outcomes:
    """What became of impressions; every array is (impressions,).

    `furthest` is how many of the events of `FUNNEL` an impression had.
    """

    furthest: NDArray[np.int8]
    is_skipped: Mask
    is_clicked: Mask
    is_scanned: Mask
    is_engaged: Mask
    is_measurable: Mask
    is_viewable: Mask
    is_audible: Mask
    spend_micros: Int64s


def deal(counts: Mapping[str, Int64s], keys: Keys, row: Int64s, number: Int64s) -> Outcomes:
    """Return what became of impressions, each given by the position of its row and its number in
    the row: (impressions,) each.

    `counts` are the columns of `COUNTS`, and `keys` the keys of the rows: (rows,) each. Over all
    numbers of a row the outcomes add up to its counts.

    >>> counts = {name: np.array([0]) for name in COUNTS}
    >>> counts |= {"impressions": np.array([4]), "spend_micros": np.array([10])}
    >>> counts |= {"video_starts": np.array([3]), "video_q25": np.array([1])}
    >>> found = deal(counts, np.array([5], dtype=np.uint64), np.zeros(4, dtype=int), np.arange(4))
    >>> found.furthest.tolist(), found.spend_micros.tolist()
    ([1, 1, 0, 2], [2, 2, 3, 3])
    """
    impressions = counts["impressions"]
    place = Shuffles(impressions, _stream(keys, "funnel")).shuffle(number, row)
    furthest = np.zeros(row.size, dtype=np.int8)
    for name in FUNNEL:
        furthest += place < counts[name].take(row)
    circle = _ahead(keys, "circle", impressions, row, number)

    def stretch(name: str) -> Mask:
        """Return which impressions a stretch of the circle holds."""
        return _stretch(keys, name, impressions, counts[name], row, circle)

    measurable = counts["measurable_impressions"]
    is_measurable = circle < measurable.take(row)
    viewable, audible = (
        is_measurable & _stretch(keys, name, measurable, counts[name], row, circle)
        for name in ("viewable_impressions", "audible_impressions")
    )
    spend = counts["spend_micros"]
    cost = spend // np.maximum(impressions, 1)
    # What is left after equal parts goes to the first ones on the circle.
    left = (spend - cost * impressions).take(row)
    cost = cost.take(row)
    cost += circle < left
    return Outcomes(
        furthest=furthest,
        is_skipped=_skips(counts, keys, row, place),
        is_clicked=stretch("clicks"),
        is_scanned=stretch("qr_scans"),
        is_engaged=stretch("interactive_engagements"),
        is_measurable=is_measurable,
        is_viewable=viewable,
        is_audible=audible,
        spend_micros=cost,
    )


def _skips(counts: Mapping[str, Int64s], keys: Keys, row: Int64s, place: Int64s) -> Mask:
    """Return which impressions were skipped: some of those that started and did not complete."""
    result = np.zeros(row.size, dtype=np.bool_)
    skips, completes = counts["skips"], counts["video_q100"]
    leavers = counts["video_starts"] - completes
    some = np.flatnonzero((skips > 0).take(row))
    if some.size:
        among = row.take(some)
        after = place.take(some) - completes.take(among)
        left = np.flatnonzero((after >= 0) & (after < leavers.take(among)))
        among = among.take(left)
        order = Shuffles(leavers, _stream(keys, "skips")).shuffle(after.take(left), among)
        result[some.take(left)] = order < skips.take(among)
    return result


def _stretch(
    keys: Keys, name: str, around: Int64s, length: Int64s, row: Int64s, place: Int64s
) -> Mask:
    """Return which places are in a stretch of `length` places of a circle of `around`, which begins
    at a random place. Both are by row, (rows,)."""
    result = np.zeros(row.size, dtype=np.bool_)
    some = np.flatnonzero((length > 0).take(row))
    if some.size == row.size:
        return _ahead(keys, name, around, row, place) < length.take(row)
    among = row.take(some)
    result[some] = _ahead(keys, name, around, among, place.take(some)) < length.take(among)
    return result


def _ahead(keys: Keys, name: str, around: Int64s, row: Int64s, place: Int64s) -> Int64s:
    """Return how far each place of a circle of `around` is ahead of a random one."""
    begin = np.floor(uniforms(keys, name) * around).astype(np.int64)
    ahead = (place - begin.take(row)).view(np.uint64)
    # What is behind is a large number until it has gone around.
    return np.minimum(ahead, ahead + around.take(row).view(np.uint64), out=ahead).view(np.int64)


def _stream(keys: Keys, purpose: str) -> Keys:
    """Return the keys of the rows for a purpose: same shape."""
    return mix(keys + np.uint64(key(purpose)))
