"""The ledger: which household sees which impression of a campaign, so that reach is a count.

The addressed households form a line, from those that watch least to those that watch most. How
much they watch is gamma distributed, which makes their exposures negative binomial (NBD; Ehrenberg
1959, Danaher 2007). The line is cut into dials: households that watch about equally, in a circle.
A dial has hands at random places. Each hour its impressions are split over the dials. A dial deals
its part to its hands in turn, and a hand shows an impression to the household that it points at
and moves on by one.

So a household sees the campaign when a hand comes by. All hands of a dial move at one pace, which
has three consequences:

- The household of any impression is known without the impressions before it.
- What a window reaches follows from the distances between hands: households in the arc that several
  hands pass have seen it several times.
- A frequency cap is a least distance: no arc that is passed in a window of the cap may hold more
  hands than the cap allows.

Where hands start is known when a campaign begins. How an hour is split needs the impressions of its
UTC day alone. So reach of what has happened never changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import Cap, cap_rates
from generator.randomness import row_keys, uniforms

TIERS = (1, 2, 3, 5, 10)

# How much a household watches, relative to the mean: a grid on which the gamma law is added up.
_LOG_ACTIVITY = np.linspace(-18.0, 4.0, 1200)
# Shapes for which the viewing of the dials is tabulated.
_LOG_SHAPES = np.linspace(-4.0, 4.0, 161)

_DIALS = 16
# Dials are narrow where households differ most: half by households, half by what they watch at
# this shape.
_SHAPE_OF_DIALS = 0.5
_HOUSEHOLDS_PER_HAND = 8
# More hands follow the negative binomial more closely, and those that pass a household often need
# more of them.
_LEAST_HANDS, _HANDS_PER_EXPOSURE, _MOST_HANDS = 16, 1.5, 64


def _viewing(shape_k: float) -> tuple[Floats, Floats]:
    """Return the part of the households up to points of the grid, and what they watch of all."""
    activity = np.exp(_LOG_ACTIVITY)
    density = np.exp(shape_k * (_LOG_ACTIVITY - activity + 1.0))
    households, watched = density.cumsum(), (density * activity).cumsum()
    return households / households[-1], watched / watched[-1]


def _edges() -> Floats:
    """Return where the line of households is cut into dials, 0 to 1: (dials + 1,)."""
    households, watched = _viewing(_SHAPE_OF_DIALS)
    half_way = (households + watched) / 2.0
    edges: Floats = np.interp(np.linspace(0.0, 1.0, _DIALS + 1), half_way, households)
    edges[0], edges[-1] = 0.0, 1.0
    return edges


_EDGES = _edges()
# What is watched up to each edge, by shape: (shapes, dials + 1).
_WATCHED = np.stack([np.interp(_EDGES, *_viewing(k)) for k in np.exp(_LOG_SHAPES).tolist()])
_WATCHED_AS_PLANNED = np.interp(_EDGES, *_viewing(_SHAPE_OF_DIALS))


@dataclass(frozen=True)
class Addressed:
    """The households that a campaign addresses, and what is known when it begins.

    `planned` are the impressions that the original booking pays for. No hour and no day delivers
    more than `part_of_cap` of what the caps allow. `stream` is the key that random places come
    from.
    """

    households: int
    planned: float
    caps: tuple[Cap, ...]
    part_of_cap: float
    stream: int


@dataclass(frozen=True)
class Dials:
    """The dials of a campaign, and their hands.

    `sizes` (dials,) are households, `hands` (dials,) how many hands there are. `start` (all hands,)
    is where each hand points first, dial by dial and in order.
    """

    sizes: Int64s
    hands: Int64s
    start: Int64s

    @property
    def first(self) -> Int64s:
        """The place in the line of each dial's first household."""
        return self.sizes.cumsum() - self.sizes

    @property
    def first_hand(self) -> Int64s:
        """The number of each dial's first hand."""
        return self.hands.cumsum() - self.hands


def set_dials(addressed: Addressed) -> Dials:
    """Cut the line of households into dials and place their hands.

    Where dials are too small for a cap they are joined, in the end to one with one hand, which goes
    through all households in turn: that holds every cap that the impressions can hold.
    """
    for joined in (1, 2, 4, 8, _DIALS):
        edges = np.floor(_EDGES[::joined] * max(addressed.households, 1) + 0.5)
        sizes = _steps(edges.astype(np.int64))
        planned = np.diff(_WATCHED_AS_PLANNED[::joined]) * addressed.planned
        wanted = _LEAST_HANDS + _HANDS_PER_EXPOSURE * planned / np.maximum(sizes, 1)
        hands = np.minimum(wanted, _MOST_HANDS).astype(np.int64)
        hands = np.minimum(hands, sizes // _HOUSEHOLDS_PER_HAND)
        for cap in addressed.caps:
            # Three households a hand are room for uneven places and rounds.
            room = cap.impressions * sizes - _most(addressed, cap, sizes)
            hands = np.minimum(hands, room // 3)
        if (hands >= 1).all():
            break
    hands = np.maximum(hands, 1)
    return Dials(sizes, hands, _places(addressed, sizes, hands))


def _steps(edges: Int64s) -> Int64s:
    """Return how far each edge is from the one before, along the first axis."""
    return edges[1:] - edges[:-1]


def _watched(shape_k: Floats) -> Floats:
    """Return what is watched up to each edge of the finest dials: (shapes, edges)."""
    place = np.clip((np.log(shape_k) - _LOG_SHAPES[0]) / (_LOG_SHAPES[1] - _LOG_SHAPES[0]), 0, None)
    below = np.minimum(place.astype(np.int64), _LOG_SHAPES.size - 2)
    part = np.minimum(place - below, 1.0)[:, None]
    watched: Floats = (1.0 - part) * _WATCHED[below] + part * _WATCHED[below + 1]
    return watched


def _most(addressed: Addressed, cap: Cap, sizes: Int64s) -> Int64s:
    """Return the most impressions of each dial in a window of the cap: (dials,).

    Each hour's part of a dial is rounded to less than one more.
    """
    hourly, daily = cap_rates(addressed.caps)
    short = cap.hours < HOURS_A_DAY
    allowed = hourly * cap.hours if short else daily * cap.days
    hours = cap.hours if short else -(-cap.hours // HOURS_A_DAY) * HOURS_A_DAY
    most = np.ceil(addressed.part_of_cap * allowed * sizes).astype(np.int64)
    return most + hours if sizes.size > 1 else most


def _places(addressed: Addressed, sizes: Int64s, hands: Int64s) -> Int64s:
    """Return where hands start, dial by dial and in order: (hands,).

    The distances on a dial are those between random places (exponential), one from each quantile in
    random order, so that no dial is odd by chance. Under a cap they are evened out as far as it
    needs. Two hands never start at the same household.
    """
    dial = np.repeat(np.arange(hands.size), hands)
    of_dial, size = hands[dial], sizes[dial]
    first = (hands.cumsum() - hands)[dial]
    place = np.arange(dial.size) - first
    keys = row_keys(addressed.stream, np.arange(dial.size))
    chance, quantile = uniforms(keys, "order of distances", "distance")
    distance = np.empty(dial.size)
    distance[np.lexsort((chance, dial))] = -np.log1p(-(place + quantile) / of_dial)
    around = np.bincount(dial, distance)[dial]
    so_far = distance.cumsum() - distance
    # Of the households, one a hand is kept, so that no two start together.
    start = np.maximum(so_far - so_far[first], 0.0) / around * (size - of_dial) + place
    even = place * (size / of_dial)
    part = np.zeros(hands.size)
    for cap in addressed.caps:
        least = (_most(addressed, cap, sizes) // hands + 3)[dial]
        ahead = place + cap.impressions
        apart = start[first + ahead % of_dial] + ahead // of_dial * size - start
        lacking = (least - apart) / np.maximum(cap.impressions * size / of_dial - apart, 1e-9)
        np.maximum.at(part, dial, np.clip(lacking, 0.0, 1.0))
    start = start + part[dial] * (even - start)
    turned = uniforms(row_keys(addressed.stream, np.arange(hands.size)), "turned") * sizes
    return (np.floor(start) + np.floor(turned)[dial]).astype(np.int64)


@dataclass(frozen=True)
class Ledger:
    """Who saw what of a campaign: its dials, and how many impressions each dial was dealt.

    `dealt` (dials, hours + 1) are the impressions of each dial before each hour and at the end.
    """

    dials: Dials
    dealt: Int64s

    def places(self, impressions: Int64s) -> Int64s:
        """Return the place in the line of the household that sees each impression, by the
        impression's number: same shape.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2, 10] + [0] * 22), np.array([0.6]))
        >>> ledger.places(np.arange(12)).tolist()
        [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
        """
        dials = self.dials
        first_of_cell = self.dealt[:, :-1].sum(axis=0) + self._before_dial()
        cell = np.searchsorted(first_of_cell.T.ravel(), impressions, side="right") - 1
        hour, dial = np.divmod(cell, dials.sizes.size)
        turn = self.dealt[dial, hour] + impressions - first_of_cell[dial, hour]
        rounds, hand = np.divmod(turn, dials.hands[dial])
        start = dials.start[dials.first_hand[dial] + hand]
        return dials.first[dial] + (start + rounds) % dials.sizes[dial]

    def _before_dial(self) -> Int64s:
        """Return the impressions of each hour that go to dials before each one: (dials, hours)."""
        hourly = np.diff(self.dealt, axis=1)
        return hourly.cumsum(axis=0) - hourly

    def reach(self, begin: Int64s, end: Int64s) -> dict[int, Int64s]:
        """Return the households that see at least n impressions in windows from the hours `begin`
        up to the hours `end`, for each n of `TIERS`: (windows,) each.

        12 impressions to five households that take turns: all see two, and two see a third one.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2, 10] + [0] * 22), np.array([0.6]))
        >>> reached = ledger.reach(np.array([0, 0]), np.array([1, 2]))
        >>> {tier: households.tolist() for tier, households in reached.items()}
        {1: [2, 5], 2: [0, 5], 3: [0, 2], 5: [0, 0], 10: [0, 0]}
        """
        dials = self.dials
        dial = np.repeat(np.arange(dials.hands.size), dials.hands)
        first, of_dial = dials.first_hand[dial], dials.hands[dial]
        place = np.arange(dial.size) - first
        before, places_before = np.divmod(self.dealt[:, begin], dials.hands[:, None])
        rounds, places = np.divmod(self.dealt[:, end], dials.hands[:, None])
        rounds -= before
        longest = rounds.max(axis=1, initial=0) + 1
        rest = {0: (self.dealt[:, end] - self.dealt[:, begin]).sum(axis=0)}
        for ahead in sorted({tier - less for tier in TIERS for less in (0, 1)} - {0}):
            lap, other = np.divmod(place + ahead, of_dial)
            distance = dials.start[first + other] + lap * dials.sizes[dial] - dials.start
            near = np.flatnonzero(distance < longest[dial])
            # In a window every hand passes an arc of its dial. A hand that starts some households
            # behind another passes again the last of its arc. Arcs may be longer than the dial.
            at = dial[near]
            again = rounds[at] - distance[near, None]
            again += places[at] > place[near, None]
            again -= places_before[at] > other[near, None]
            rest[ahead] = np.maximum(again, 0, out=again).sum(axis=0)
        return {tier: rest[tier - 1] - rest[tier] for tier in TIERS}


def open_ledger(addressed: Addressed, impressions: Int64s, shape_k: Floats) -> Ledger:
    """Deal the impressions of each hour (hours,) to the dials; hours make whole UTC days.

    `shape_k` (days,) is how unequally households watch on each day: the smaller, the
    more unequally.
    """
    dials = set_dials(addressed)
    shares = _shares(addressed, dials, impressions, shape_k)
    line = np.zeros((dials.sizes.size + 1, impressions.size))
    np.cumsum(np.repeat(shares, HOURS_A_DAY, axis=1), axis=0, out=line[1:])
    line[-1] = 1.0
    # Parts of an hour are rounded from a random place on, so that small ones have their chance.
    offset = uniforms(row_keys(addressed.stream, np.arange(impressions.size)), "offset")
    marks = np.floor(line * impressions + offset).astype(np.int64)
    dealt = np.zeros((dials.sizes.size, impressions.size + 1), dtype=np.int64)
    np.cumsum(_steps(marks), axis=1, out=dealt[:, 1:])
    return Ledger(dials, dealt)


def _shares(addressed: Addressed, dials: Dials, impressions: Int64s, shape_k: Floats) -> Floats:
    """Return each dial's share of the impressions of each day: (dials, days).

    Households see a campaign as they watch, but never more than a cap allows: what those above it
    are not served goes to the others.
    """
    step = _DIALS // dials.sizes.size
    shares = np.diff(_watched(shape_k)[:, ::step], axis=1).T
    if not addressed.caps or dials.sizes.size == 1:
        return shares
    hourly, daily = cap_rates(addressed.caps)
    by_day = impressions.reshape(-1, HOURS_A_DAY)
    most = np.minimum(
        hourly / np.maximum(by_day.max(axis=1), 1), daily / np.maximum(by_day.sum(axis=1), 1)
    )
    ceiling = addressed.part_of_cap * dials.sizes[:, None] * most
    return _fill(shares, ceiling)


def _fill(shares: Floats, ceiling: Floats) -> Floats:
    """Return shares (dials, days) that stay under their ceilings and add up to 1.

    The dials that have the largest shares for their ceilings are served what these allow, and the
    others more in proportion. Dials are in the order in which they meet it, from the last one.

    >>> shares, ceiling = np.array([[0.1], [0.3], [0.6]]), np.array([[0.4], [0.4], [0.4]])
    >>> _fill(shares, ceiling).ravel().round(6).tolist()
    [0.2, 0.4, 0.4]
    """
    ceiling = ceiling / np.minimum(ceiling.sum(axis=0), 1.0)
    # `more` is how much more the dials up to each one want if all after it are at their ceilings.
    after = ceiling[::-1].cumsum(axis=0)[::-1] - ceiling
    more = (1.0 - after) / np.maximum(shares.cumsum(axis=0), 1e-300)
    fits = more * shares <= ceiling * (1.0 + 1e-12)
    last = fits.shape[0] - 1 - fits[::-1].argmax(axis=0)
    scale = np.maximum(np.take_along_axis(more, last[None], axis=0), 0.0)
    free = np.arange(shares.shape[0])[:, None] <= last
    filled: Floats = np.where(free, shares * scale, ceiling)
    return filled
