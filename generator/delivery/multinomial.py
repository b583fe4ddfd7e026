"""Multinomial draws: counts split over segments, with sums that are exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s, Keys, WholeFloats
from generator.delivery.quantiles import binomial
from generator.randomness import key, uniforms


@dataclass(frozen=True)
class Split:
    """One thing to split: `totals` (kinds, rows) over segments by `shares`, (rows, segments) or
    (kinds, rows, segments)."""

    totals: WholeFloats
    shares: Floats
    keys: Keys


def multinomial(totals: WholeFloats, shares: Floats, keys: Keys) -> WholeFloats:
    """Split `totals` (kinds, rows) over segments: (segments, kinds, rows), sums exact.

    `shares` are (rows, segments), or those of each kind. Totals are split over halves of the
    segments, then over halves of those, by a conditional binomial each, so that few numpy calls
    make all draws. Segments beyond the last fill a power of two.

    Three segments with shares 0.5, 0.3 and 0.2 fill four places. 100 impressions are first split
    with chance 0.8 over the places (1, 2) and (3, 4), then the first half with chance 0.5 / 0.8
    over the places 1 and 2, and the second half with chance 1 over the places 3 and 4.

    >>> from generator.randomness import row_keys
    >>> shares = np.array([[0.5, 0.3, 0.2]])
    >>> counts = multinomial(np.array([[100]]), shares, row_keys(7, np.arange(1)))
    >>> counts.ravel().tolist(), float(counts.sum())
    ([49.0, 32.0, 19.0], 100.0)
    """
    segments = shares.shape[-1]
    depth = _depth(segments)
    if not depth:
        return totals[None].astype(np.float64)
    kinds, rows = totals.shape
    weights = _weights_by_level(shares.reshape(-1, segments), depth)
    kind_keys = np.concatenate([uniform_keys(keys, kind) for kind in range(kinds)])
    row = np.arange(kinds * rows) % weights[0].shape[1]
    counts = totals.reshape(1, -1).astype(np.float64)
    for level in range(depth, 0, -1):
        whole = weights[level]
        first_half = weights[level - 1][::2]
        chance = np.divide(first_half, whole, out=np.zeros(whole.shape), where=whole > 0)
        nodes = range(whole.shape[0])
        node_keys = [key("segments", node << level, 1 << level) for node in nodes]
        in_first = _split_nodes(
            counts, chance, row, kind_keys, np.array(node_keys, dtype=np.uint64)
        )
        halves = np.empty((whole.shape[0], 2, row.size))
        halves[:, 0] = in_first
        np.subtract(counts, in_first, out=halves[:, 1])
        counts = halves.reshape(2 * whole.shape[0], row.size)
    return _without_filling(counts.reshape(2**depth, kinds, rows), segments)


def _weights_by_level(shares: Floats, depth: int) -> list[Floats]:
    """Return the weights of the segments (2^depth, rows), filled up with zeros, then those of pairs
    of them, and so on up to the whole: (1, rows)."""
    rows, segments = shares.shape
    weights = [np.zeros((2**depth, rows))]
    weights[0][:segments] = shares.T
    for _ in range(depth):
        weights.append(weights[-1][::2] + weights[-1][1::2])
    return weights


def _split_nodes(
    counts: WholeFloats, chance: Floats, row: Int64s, kind_keys: Keys, node_keys: Keys
) -> WholeFloats:
    """Draw how much of each count goes to the first half of its node: (nodes, cells).

    A cell is a kind and a row: `counts` are (nodes, cells), `chance` (nodes, rows), `row` and
    `kind_keys` (cells,), `node_keys` (nodes,).
    """
    in_first = np.zeros(counts.shape)
    live = np.flatnonzero(counts > 0.0)
    node = live // row.size
    cell = live - node * row.size
    trials = counts.take(live)
    probability = chance.take(node * chance.shape[1] + row.take(cell))
    first = trials * (probability >= 1.0)
    open_draws = np.flatnonzero(np.abs(probability - 0.5) < 0.5)
    keys = kind_keys.take(cell.take(open_draws))
    keys ^= node_keys.take(node.take(open_draws))
    first[open_draws] = binomial(
        uniforms(keys, "split"), trials.take(open_draws), probability.take(open_draws)
    )
    in_first.reshape(-1)[live] = first
    return in_first


def _without_filling(counts: WholeFloats, segments: int) -> WholeFloats:
    """Return the first `segments` of the counts (places, kinds, rows). Where no segment has a share
    at all, the counts fell to the places after them, and the last segment gets them."""
    counts[segments - 1] += counts[segments:].sum(axis=0)
    return counts[:segments]


def multinomials(splits: Sequence[Split]) -> list[WholeFloats]:
    """Split each of these as `multinomial` does: (segments, kinds, rows) each. Splits that are
    halved equally often are made in one go."""
    results: dict[int, WholeFloats] = {}
    sorts = [(_depth(split.shares.shape[-1]), split.shares.ndim) for split in splits]
    for sort in sorted(set(sorts)):
        positions = [position for position in range(len(splits)) if sorts[position] == sort]
        counts = _split_together([splits[position] for position in positions])
        results |= zip(positions, counts, strict=True)
    return [results[position] for position in range(len(splits))]


def _split_together(splits: Sequence[Split]) -> Iterator[WholeFloats]:
    """Yield the counts of splits of one depth, made as one split over the most segments."""
    width = max(split.shares.shape[-1] for split in splits)
    rows_of_all = sum(split.keys.size for split in splits)
    shares = np.zeros((*splits[0].shares.shape[:-2], rows_of_all, width))
    first = 0
    for split in splits:
        rows, segments = split.shares.shape[-2:]
        shares[..., first : first + rows, :segments] = split.shares
        first += rows
    totals = np.concatenate([split.totals for split in splits], axis=1)
    counts = multinomial(totals, shares, np.concatenate([split.keys for split in splits]))
    first = 0
    for split in splits:
        rows, segments = split.shares.shape[-2:]
        yield _without_filling(counts[:, :, first : first + rows], segments)
        first += rows


def _depth(segments: int) -> int:
    """Return how often N segments are halved until each is alone."""
    return (segments - 1).bit_length()


def uniform_keys(keys: Keys, kind: int) -> Keys:
    """Return the keys of one kind of impression in the rows of `keys`."""
    return keys ^ np.uint64(key("kind", kind))
