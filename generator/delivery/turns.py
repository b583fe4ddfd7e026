"""Turns: which household sees which impression of a campaign, so that reach is a count.

The addressed households stand in a line, from those that watch least to those that watch most. How
much they watch is gamma distributed, which makes their exposures negative binomial (NBD; Ehrenberg
1959, Danaher 2007). The line is cut into dials: households that watch about equally, in a circle.
Each dial has hands at random places. Impressions are numbered from the start of the campaign and
dealt to the hands in a fixed order. A hand shows its impression to the household that it points at
and moves on by one.

So a household sees the campaign when a hand comes by. All hands move at the same pace, which has
three consequences:

- The household of any impression is known without the impressions before it.
- What a window reaches follows from the distances between hands: households in the arc that several
  hands pass have seen it several times.
- A frequency cap is a least distance: no arc that is passed in a window of the cap may hold more
  hands than the cap allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import Cap
from generator.randomness import row_keys, uniform, uniforms

TIERS = (1, 2, 3, 5, 10)

# How much a household watches, relative to the mean: a grid on which the gamma law is added up.
_LOG_ACTIVITY = np.linspace(-14.0, 3.6, 600)
_ACTIVITY = np.exp(_LOG_ACTIVITY)
# Exposures of a household without a cap, on which those under a cap are tabulated.
_LOG_WANTED = np.linspace(-18.0, 14.0, 1600)
_WANTED = np.exp(_LOG_WANTED)
_POISSON_TERMS = 60
# Under a cap a dial is filled up to this part of what the cap allows, which leaves the hands apart.
_FULL = 0.95
_HALVINGS = 48

# How finely the line is cut. More hands follow the negative binomial more closely: with these,
# reach is within 1 to 3 % of it.
_LEAST_HANDS, _HANDS_PER_MEAN, _MOST_HANDS = 120, 18, 360
_HOUSEHOLDS_PER_HAND = 8
_HANDS_OF_DIAL, _BY_ACTIVITY, _MOST_ACTIVITY, _BY_EXPOSURE, _MOST_OF_DIAL = 2, 4.0, 2.5, 1.5, 80
_SCATTER = (5.0**0.5 - 1.0) / 2.0


class Busiest(NamedTuple):
    """A cap, and the most impressions of the campaign in one of its windows."""

    cap: int
    impressions: int
    windows: float

    def turns(self, hands: int) -> int:
        """Return how far apart hands must be: the most that one moves on in the window, and one
        more where another hand may be one behind."""
        return -(-self.impressions // hands) + (hands > 1)


@dataclass(frozen=True)
class Turns:
    """The hands of a campaign, dial by dial and within it by where they start; (hands,) each.

    `order` is the place of a hand in the dealing, `start` where on its dial it points first. Its
    dial has `size` households, of which `first` is the first in the line, and `of_dial` hands from
    number `first_hand` on.
    """

    order: Int64s
    start: Int64s
    size: Int64s
    first: Int64s
    first_hand: Int64s
    of_dial: Int64s

    def households(self, impressions: Int64s) -> Int64s:
        """Return the place in the line of the household that sees each impression, by its number:
        same shape.

        >>> turns = arrange(5, 0.6, np.array([0, 12]), (), stream=1)
        >>> turns.households(np.arange(12)).tolist()
        [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
        """
        rounds, place = np.divmod(impressions, self.order.size)
        hand = np.argsort(self.order)[place]
        return self.first[hand] + (self.start[hand] + rounds) % self.size[hand]

    def reached(self, before: Int64s, through: Int64s) -> dict[int, Int64s]:
        """Return the households that see at least n of the impressions from `before` up to
        `through`, for each n of `TIERS`: (windows,) each.

        12 impressions to five households that take turns: all see two, and two see a third one.

        >>> turns = arrange(5, 0.6, np.array([0, 12]), (), stream=1)
        >>> reached = turns.reached(np.array([0]), np.array([12]))
        >>> {tier: households.tolist() for tier, households in reached.items()}
        {1: [5], 2: [5], 3: [2], 5: [0], 10: [0]}
        """
        rest = {0: through - before}
        for tier in TIERS:
            for hands in (tier - 1, tier):
                if hands not in rest:
                    rest[hands] = self._passed_again(before, through, hands)
        return {tier: rest[tier - 1] - rest[tier] for tier in TIERS}

    def _passed_again(self, before: Int64s, through: Int64s, ahead: int) -> Int64s:
        """Return how many impressions go to a household that the `ahead` hands before had already
        shown one in the same window: (windows,).

        In a window every hand passes an arc of its dial. A hand that starts d households behind
        another passes again the last of its arc, from d on. Arcs may be longer than the dial.
        """
        place = np.arange(self.order.size) - self.first_hand + ahead
        other = self.first_hand + place % self.of_dial
        distance = self.start[other] + place // self.of_dial * self.size - self.start
        rounds_before, places_before = np.divmod(before, self.order.size)
        rounds, places = np.divmod(through, self.order.size)
        arc = rounds - rounds_before
        near = np.flatnonzero(distance <= arc.max(initial=0) + 1)[:, None]
        again = arc - distance[near]
        again += places > self.order[near]
        again -= places_before > self.order[other[near]]
        result: Int64s = np.maximum(again, 0, out=again).sum(axis=0)
        return result


def arrange(
    households: int, shape_k: float, so_far: Int64s, caps: Sequence[Cap], stream: int
) -> Turns:
    """Place the hands of a campaign.

    `so_far` (hours + 1,) are its impressions before each hour and at the end; the hours make whole
    UTC days. A cap over hours holds in any hours that follow one another, a cap over days in any
    UTC days of delivery that do. `stream` is the key that random places come from.
    """
    households = max(households, 1)
    busiest = [_busiest(cap, so_far) for cap in caps]
    dials = _dials(households, shape_k, int(so_far[-1]), busiest)
    hands = int(dials.hands.sum())
    dial = np.repeat(np.arange(dials.hands.size), dials.hands)
    first_hand = (dials.hands.cumsum() - dials.hands)[dial]
    of_dial, size = dials.hands[dial], dials.sizes[dial]

    # Neighbours in the dealing belong to dials far apart.
    dealt = np.argsort(np.argsort(np.arange(hands) * _SCATTER % 1.0, kind="stable"), kind="stable")
    order = (dealt + int(uniform(stream, "first hand") * hands)) % hands
    order = order[np.lexsort((order, dial))]
    start = _places(dial, of_dial, size, stream)
    if busiest:
        ends = dials.hands.cumsum().tolist()
        for end, few, around in zip(ends, dials.hands.tolist(), dials.sizes.tolist(), strict=True):
            apart = [(one.cap, one.turns(hands)) for one in busiest]
            start[end - few : end] = _keep_apart(start[end - few : end], around, apart)
    first = (dials.sizes.cumsum() - dials.sizes)[dial]
    return Turns(order, start, size, first, first_hand, of_dial)


def _places(dial: Int64s, of_dial: Int64s, size: Int64s, stream: int) -> Int64s:
    """Return where hands start, in order: (hands,). The distances on a dial are the quantiles of
    those between random places (exponential), in random order, so that no dial is odd by chance.
    Two hands never start at the same household.
    """
    chance = uniforms(row_keys(stream, np.arange(dial.size)), "distance")
    first = np.flatnonzero(np.diff(dial, prepend=-1))
    place = np.arange(dial.size) - first[dial]
    distance = np.empty(dial.size)
    distance[np.lexsort((chance, dial))] = -np.log1p(-(place + 0.5) / of_dial)
    around = np.add.reduceat(distance, first)[dial]
    so_far = distance.cumsum()
    so_far -= (so_far - distance)[first][dial] + distance
    turned = uniforms(row_keys(stream, np.arange(first.size)), "turned")[dial]
    start = np.floor(np.maximum(so_far, 0.0) / around * (size - of_dial)) + place
    return (start + np.floor(turned * size)).astype(np.int64)


def _busiest(cap: Cap, so_far: Int64s) -> Busiest:
    """Return the most impressions in a window of the cap, and how many windows there are."""
    hours = so_far.size - 1
    step = 1 if cap.hours < HOURS_A_DAY else HOURS_A_DAY
    length = -(-min(cap.hours, hours) // step)
    marks = so_far[::step]
    most = (marks[length:] - marks[:-length]).max(initial=0) if length else 0
    return Busiest(cap.impressions, int(most), max(hours / cap.hours, 1.0))


class _Dials(NamedTuple):
    """The households and the hands of each dial: (dials,) each."""

    sizes: Int64s
    hands: Int64s


def _dials(households: int, shape_k: float, impressions: int, busiest: Sequence[Busiest]) -> _Dials:
    """Cut the line of households into dials, each with hands in proportion to its impressions.

    Every hand shows the same number of impressions, so a dial with twice the hands has twice the
    impressions. Where dials are too small for their hands or for a cap, there are fewer hands, in
    the end one, which goes through all households in turn: that holds every cap that the
    impressions can hold.
    """
    mean = impressions / households
    hands = int(min(_LEAST_HANDS + _HANDS_PER_MEAN * mean, _MOST_HANDS))
    hands = min(hands, households // _HOUSEHOLDS_PER_HAND)
    if not impressions or any(mean * _FULL >= _ceiling(one, impressions) for one in busiest):
        hands = 1
    if hands > 1:
        share = np.exp(shape_k * (_LOG_ACTIVITY - _ACTIVITY + 1.0))
        exposures = _exposures(share / share.sum(), mean, impressions, busiest)
        line = share.cumsum() / share.sum()
        shown = (share * exposures).cumsum()
        shown /= shown[-1]
    while hands > 1:
        edges, counts = [0], []
        while edges[-1] < hands:
            seen = float(np.interp((edges[-1] + 0.5) / hands, shown, exposures))
            watched = min(seen / mean, _MOST_ACTIVITY)
            wanted = _HANDS_OF_DIAL + int(_BY_ACTIVITY * watched + _BY_EXPOSURE * seen) + 1
            counts.append(min(wanted, _MOST_OF_DIAL, hands - edges[-1]))
            edges.append(edges[-1] + counts[-1])
        marks = np.interp(np.array(edges) / hands, shown, line)
        marks[0], marks[-1] = 0.0, 1.0
        dials = _Dials(np.diff(np.round(marks * households).astype(np.int64)), np.array(counts))
        rooms = [one.cap * dials.sizes // dials.hands for one in busiest]
        turns = [one.turns(hands) for one in busiest]
        if (dials.sizes >= dials.hands).all() and all(
            (room >= turn).all() for room, turn in zip(rooms, turns, strict=True)
        ):
            return dials
        hands //= 2
    return _Dials(np.array([households]), np.array([1]))


def _ceiling(busiest: Busiest, impressions: int) -> float:
    """Return the most exposures over the campaign that keep a household within the cap in the
    busiest window."""
    return _FULL * busiest.cap * impressions / max(busiest.impressions, 1)


def _exposures(share: Floats, mean: float, impressions: int, busiest: Sequence[Busiest]) -> Floats:
    """Return the exposures over the campaign of households on the grid of activity; `share` of the
    households are at each point of it.

    Without a cap they are proportional to activity. With one, those above the cap are never served,
    and all want so much more that what is served adds up.
    """
    if not busiest:
        return _ACTIVITY * mean
    served = _WANTED
    for one in busiest:
        window = _WANTED / one.windows
        kept = _capped_poisson(window, one.cap) * one.windows
        served = np.minimum(np.minimum(served, kept), _ceiling(one, impressions))

    def under_caps(log_more: float) -> Floats:
        return np.interp(_LOG_ACTIVITY + log_more, _LOG_WANTED, served)

    low, high = np.log(mean) - 1.0, 10.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if (share * under_caps(middle)).sum() < mean:
            low = middle
        else:
            high = middle
    return under_caps(high)


def _capped_poisson(mean: Floats, cap: int) -> Floats:
    """Return E[min(N, cap)] of Poisson counts with these means: same shape.

    >>> _capped_poisson(np.array([0.1, 1.0, 30.0]), cap=3).round(3).tolist()
    [0.1, 0.977, 3.0]
    """
    if cap > _POISSON_TERMS:
        return np.minimum(mean, cap)
    term = np.exp(-mean)
    left = -np.expm1(-mean)
    result = np.zeros_like(mean)
    for n in range(1, cap + 1):
        result += np.maximum(left, 0.0)
        term = term * mean / n
        left = left - term
    return result


def _keep_apart(start: Int64s, size: int, apart: Sequence[tuple[int, int]]) -> Int64s:
    """Move hands of a dial on until each cap holds: of `cap` + 1 hands that follow one another, the
    last is at least `turns` households from the first, for each (cap, turns) of `apart`.

    Where moving on ends beyond the first hand, the hands are spread evenly.

    >>> _keep_apart(np.array([3, 4, 20]), size=30, apart=[(1, 8)]).tolist()
    [3, 11, 20]
    """
    if _are_apart(start, size, apart):
        return start
    hands = start.size
    moved = start.tolist()
    for place in range(1, hands):
        moved[place] = max(moved[place], moved[place - 1] + 1)
        for cap, turns in apart:
            if place >= cap:
                moved[place] = max(moved[place], moved[place - cap] + turns)
    result = np.array(moved)
    if moved[-1] < moved[0] + size and _are_apart(result, size, apart):
        return result
    return np.arange(hands) * size // hands


def _are_apart(start: Int64s, size: int, apart: Sequence[tuple[int, int]]) -> bool:
    """Return whether each cap holds on this dial; hands after the last are the first ones again."""
    for cap, turns in apart:
        place = np.arange(start.size) + cap
        ahead = start[place % start.size] + place // start.size * size
        if (ahead - start < turns).any():
            return False
    return True
