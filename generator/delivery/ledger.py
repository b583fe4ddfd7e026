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
from functools import cached_property

import numpy as np

from generator.arrays import Floats, Int64s, quotient
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import Cap, cap_rates
from generator.randomness import row_keys, uniforms

TIERS = (1, 2, 3, 5, 10)
# A household sees n impressions where a hand passes it, and then the n - 1 that start behind it.
_AHEAD = sorted({tier - less for tier in TIERS for less in (0, 1)} - {0})
_REST = {ahead: position for position, ahead in enumerate([0, *_AHEAD])}
# They fit into the cache of a core.
_PAIRS_AT_ONCE = 2**15
# Below it, sums of all that is dealt are 32-bit integers, which take half the time.
_FEW_IMPRESSIONS = 2**30

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


def activity(parts: Floats, shape_k: float) -> Floats:
    """Return how much households watch relative to the mean, of which these parts of all watch
    less: same shape.

    >>> activity(np.array([0.1, 0.5, 0.9]), 0.6).round(2).tolist()
    [0.03, 0.52, 2.58]
    """
    households, _ = _viewing(shape_k)
    return np.interp(parts, households, np.exp(_LOG_ACTIVITY))


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
    """The households of a line, and what is known when its campaign begins.

    `planned` are the impressions that the original booking pays for. No hour and no day delivers
    more than `part_of_cap` of what the caps allow, and `rounding` impressions. `stream` is the key
    that random places come from. `joined` of the finest dials make one.
    """

    households: int
    planned: float
    caps: tuple[Cap, ...]
    part_of_cap: float
    stream: int
    rounding: int = 0
    joined: int = 1


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

    def of(self, dial: int) -> Int64s:
        """Return where the hands of a dial start."""
        first = self.first_hand[dial]
        return self.start[first : first + self.hands[dial]]


def set_dials(addressed: Addressed) -> Dials:
    """Cut the line of households into dials and place their hands.

    Where dials are too small for a cap they are joined, in the end to one with one hand, which goes
    through all households in turn: that holds every cap that the impressions can hold.
    """
    for joined in (step for step in (1, 2, 4, 8, _DIALS) if step >= addressed.joined):
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

    Each hour's part of a dial is rounded to less than one more. So is each hour's or day's part of
    a line.
    """
    hourly, daily = cap_rates(addressed.caps)
    short = cap.hours < HOURS_A_DAY
    allowed = hourly * cap.hours if short else daily * cap.days
    hours = cap.hours if short else -(-cap.hours // HOURS_A_DAY) * HOURS_A_DAY
    most = np.ceil(addressed.part_of_cap * allowed * sizes).astype(np.int64)
    most += addressed.rounding * (hours if short else -(-cap.hours // HOURS_A_DAY))
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
class _Pairs:
    """Pairs of hands of a dial, (pairs,) each: how far the second starts ahead of the first, the
    place of the first among the hands, and that of the second."""

    dial: Int64s
    distance: Int64s
    place: Int64s
    other: Int64s


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
        return self.views(impressions)[0]

    def views(self, impressions: Int64s) -> tuple[Int64s, Int64s]:
        """Return the place in the line of the household that sees each impression, and how many
        impressions it has seen with it, by the impression's number: same shape each.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2, 10] + [0] * 22), np.array([0.6]))
        >>> ledger.views(np.arange(12))[1].tolist()
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]
        """
        first = self._first_of_cell.T.ravel()
        return self._views(impressions, np.searchsorted(first, impressions, side="right") - 1)

    def views_of_hours(self, begin: int, end: int) -> tuple[Int64s, Int64s, Int64s]:
        """Return all impressions of the hours from `begin` to before `end`, in order: the hour of
        each, and what `views` returns for it.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2, 10] + [0] * 22), np.array([0.6]))
        >>> [numbers.tolist() for numbers in ledger.views_of_hours(0, 1)]
        [[0, 0], [4, 0], [1, 1]]
        """
        dials = self.dials.sizes.size
        counts = np.diff(self.dealt[:, begin : end + 1], axis=1).T.ravel()
        cell = np.repeat(np.arange(counts.size) + begin * dials, counts)
        first = int(self.dealt[:, begin].sum())
        views = self._views(np.arange(first, first + cell.size), cell)
        by_hour = counts.reshape(-1, dials).sum(axis=1)
        return np.repeat(np.arange(begin, end), by_hour), *views

    def _views(self, impressions: Int64s, cell: Int64s) -> tuple[Int64s, Int64s]:
        """Return what `views` does; each impression is dealt in a `cell`, a dial in an hour."""
        dials = self.dials
        dial = cell % dials.sizes.size
        turn = self._ahead_of_cell.take(cell)
        turn += impressions
        hands = dials.hands.take(dial)
        rounds = quotient(turn, hands)
        hand = turn
        hand -= rounds * hands
        hand += dials.first_hand.take(dial)
        size = dials.sizes.take(dial)
        laps = quotient(rounds, size)
        place = rounds
        place -= laps * size
        place += dials.start.take(hand)
        # Hands that start up to as many households ahead as this one went passed the household in
        # this lap.
        apart, around = self._around
        passed = np.searchsorted(around, apart.take(dial) + place, side="right")
        passed -= dials.first_hand.take(dial)
        passed -= hand
        laps *= hands
        passed += laps
        place -= quotient(place, size) * size
        place += dials.first.take(dial)
        return place, passed

    @cached_property
    def _around(self) -> tuple[Int64s, Int64s]:
        """Where the places of each dial begin, (dials,), when the dials follow one another and each
        goes round twice; and the hands on the way, (2 * hands,)."""
        dials = self.dials
        apart = 4 * dials.first
        starts = [dials.of(number) + apart[number] for number in range(apart.size)]
        ways = [np.append(own, own + size) for own, size in zip(starts, dials.sizes, strict=True)]
        return apart, np.concatenate(ways)

    def impressions_of(self, places: Int64s) -> tuple[Int64s, Int64s]:
        """Return the impressions of the households at places of the line: the position of each
        one's household in `places`, and its number.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2, 10] + [0] * 22), np.array([0.6]))
        >>> [numbers.tolist() for numbers in ledger.impressions_of(np.array([4, 2]))]
        [[0, 0, 0, 1, 1], [0, 5, 10, 3, 8]]
        """
        dials = self.dials
        owners, numbers = [], []
        dial_of = np.searchsorted(dials.first, places, side="right") - 1
        first_of_cell = self._first_of_cell
        for dial, (size, hands) in enumerate(zip(dials.sizes, dials.hands, strict=True)):
            here = np.flatnonzero(dial_of == dial)
            dealt = self.dealt[dial]
            rounds = (places[here, None] - dials.first[dial] - dials.of(dial)) % size
            turn = (rounds * hands + np.arange(hands)).ravel()
            # In each lap every hand comes by once.
            laps = np.maximum(-(-(dealt[-1] - turn) // (size * hands)), 0)
            lap = np.arange(laps.sum()) - np.repeat(laps.cumsum() - laps, laps)
            turn = np.repeat(turn, laps) + lap * size * hands
            hour = np.searchsorted(dealt, turn, side="right") - 1
            owners.append(np.repeat(np.repeat(here, hands), laps))
            numbers.append(first_of_cell[dial, hour] + turn - dealt[hour])
        return np.concatenate(owners), np.concatenate(numbers)

    @property
    def first_of_hour(self) -> Int64s:
        """The number of the first impression of each hour: (hours,)."""
        first: Int64s = self.dealt[:, :-1].sum(axis=0)
        return first

    def hour_of(self, impressions: Int64s) -> tuple[Int64s, Int64s]:
        """Return the hour of each impression, and its number in the hour: same shape each."""
        hour = np.searchsorted(self.first_of_hour, impressions, side="right") - 1
        return hour, impressions - self.first_of_hour[hour]

    def reached_places(self) -> Int64s:
        """Return the places of the households that see at least one impression, in order.

        >>> addressed = Addressed(5, 12.0, (), 1.0, stream=1)
        >>> ledger = open_ledger(addressed, np.array([2] + [0] * 23), np.array([0.6]))
        >>> ledger.reached_places().tolist()
        [0, 4]
        """
        begin, end = self.reached_arcs()
        length = end - begin
        return np.arange(length.sum()) + np.repeat(begin - (length.cumsum() - length), length)

    def reached_arcs(self) -> tuple[Int64s, Int64s]:
        """Return the stretches of the line that are `reached_places`, in order: the first place of
        each, and the one after its last, (stretches,) each."""
        dials = self.dials
        begins, ends = [], []
        for dial, (size, hands) in enumerate(zip(dials.sizes, dials.hands, strict=True)):
            rounds = -(-(self.dealt[dial, -1] - np.arange(hands)) // hands)
            start = dials.of(dial)
            # A hand goes on up to where the next one began, and past the end of the dial.
            length = np.minimum(rounds, np.diff(start, append=start[0] + size))
            begin = start % size
            over = np.maximum(begin + length - size, 0)
            first = dials.first[dial]
            begins += [first + begin, np.full(hands, first)]
            ends += [first + begin + length - over, first + over]
        begin, end = np.concatenate(begins), np.concatenate(ends)
        some = np.flatnonzero(end > begin)
        in_order = some[np.argsort(begin[some])]
        return begin[in_order], end[in_order]

    @cached_property
    def _first_of_cell(self) -> Int64s:
        """The number of the first impression that each dial deals in each hour: (dials, hours)."""
        return self.first_of_hour + self._before_dial()

    @cached_property
    def _ahead_of_cell(self) -> Int64s:
        """How far the turn of a dial is ahead of an impression's number, dial by dial in each hour:
        (hours * dials,)."""
        ahead: Int64s = (self.dealt[:, :-1] - self._first_of_cell).T.ravel()
        return ahead

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
        pairs = self._pairs
        all_rounds, all_places = self._rounds
        rounds = all_rounds.take(end, axis=1) - all_rounds.take(begin, axis=1)
        longest = rounds.max(axis=1, initial=0) + 1
        near = pairs.distance < longest.take(pairs.dial)
        dial = pairs.dial[near]
        distance, place, other = (
            values[near][:, None] for values in (pairs.distance, pairs.place, pairs.other)
        )
        sign = 8 * rounds.itemsize - 1
        rest = np.zeros((len(_AHEAD) + 1, begin.size), dtype=np.int64)
        rest[0] = (self.dealt.take(end, axis=1) - self.dealt.take(begin, axis=1)).sum(axis=0)
        count = np.count_nonzero(near.reshape(len(_AHEAD), -1), axis=1)
        met = count.nonzero()[0]
        first = (count.cumsum() - count)[met]
        few = _PAIRS_AT_ONCE // max(dial.size, 1) + 1
        for window in range(0, begin.size if dial.size else 0, few):
            these = slice(window, window + few)
            # In a window every hand passes an arc of its dial. A hand that starts some households
            # behind another passes again the last of its arc. Arcs may be longer than the dial. A
            # sign that is shifted over all bits is -1 or 0.
            again = rounds[:, these].take(dial, axis=0)
            again -= distance
            again -= (place - all_places.take(end[these], axis=1).take(dial, axis=0)) >> sign
            before = all_places.take(begin[these], axis=1)
            if before.any():
                again += (other - before.take(dial, axis=0)) >> sign
            np.maximum(again, 0, out=again)
            rest[met + 1, these] = np.add.reduceat(again, first, axis=0)
        return {tier: rest[_REST[tier - 1]] - rest[_REST[tier]] for tier in TIERS}

    @cached_property
    def _pairs(self) -> _Pairs:
        """Each hand and the one that starts some places ahead, for each such number of places."""
        dials = self.dials
        dial = np.repeat(np.arange(dials.hands.size), dials.hands)
        first, of_dial = dials.first_hand[dial], dials.hands[dial]
        place = np.arange(dial.size) - first
        lap, other = np.divmod(place + np.array(_AHEAD, dtype=np.int64)[:, None], of_dial)
        distance = dials.start[first + other] + lap * dials.sizes[dial] - dials.start
        # No arc is as long as the largest integer of the type.
        dtype = self._rounds[0].dtype
        distance = np.minimum(distance, np.iinfo(dtype).max)
        every = len(_AHEAD)
        return _Pairs(
            np.tile(dial, every),
            distance.astype(dtype).ravel(),
            np.tile(place.astype(dtype), every),
            other.astype(dtype).ravel(),
        )

    @cached_property
    def _rounds(self) -> tuple[Int64s, Int64s]:
        """The rounds that all hands of each dial have made before each hour and at the end, and how
        many hands have made one more: (dials, hours + 1) each."""
        rounds, places = np.divmod(self.dealt, self.dials.hands[:, None])
        if self.dealt[:, -1].sum() < _FEW_IMPRESSIONS:
            return rounds.astype(np.int32), places.astype(np.int32)
        return rounds, places


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
