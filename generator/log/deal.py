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
from generator.permutation import shuffle
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
    size = impressions[row]
    place = shuffle(number, size, _stream(keys, "funnel")[row])
    furthest = np.zeros(row.size, dtype=np.int8)
    for name in FUNNEL:
        furthest += place < counts[name][row]
    circle = _ahead(keys, "circle", impressions, row, number)

    def stretch(name: str) -> Mask:
        """Return which impressions a stretch of the circle holds."""
        return _stretch(keys, name, impressions, counts[name], row, circle)

    measurable = counts["measurable_impressions"]
    is_measurable = circle < measurable[row]
    viewable, audible = (
        is_measurable & _stretch(keys, name, measurable, counts[name], row, circle)
        for name in ("viewable_impressions", "audible_impressions")
    )
    spend = counts["spend_micros"][row]
    cost = spend // np.maximum(size, 1)
    # What is left after equal parts goes to the first ones on the circle.
    cost += circle < spend - cost * size
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
    after = place - completes[row]
    left = np.flatnonzero((after >= 0) & (after < leavers[row]) & (skips[row] > 0))
    if left.size:
        among = row[left]
        order = shuffle(after[left], leavers[among], _stream(keys, "skips")[among])
        result[left] = order < skips[among]
    return result


def _stretch(
    keys: Keys, name: str, around: Int64s, length: Int64s, row: Int64s, place: Int64s
) -> Mask:
    """Return which places are in a stretch of `length` places of a circle of `around`, which begins
    at a random place. Both are by row, (rows,)."""
    if not length.any():
        return np.zeros(row.size, dtype=np.bool_)
    return _ahead(keys, name, around, row, place) < length[row]


def _ahead(keys: Keys, name: str, around: Int64s, row: Int64s, place: Int64s) -> Int64s:
    """Return how far each place of a circle of `around` is ahead of a random one."""
    begin = np.floor(uniforms(keys, name) * around).astype(np.int64)
    ahead = (place - begin[row]).view(np.uint64)
    # What is behind is a large number until it has gone around.
    return np.minimum(ahead, ahead + around[row].view(np.uint64), out=ahead).view(np.int64)


def _stream(keys: Keys, purpose: str) -> Keys:
    """Return the keys of the rows for a purpose: same shape."""
    return mix(keys + np.uint64(key(purpose)))
