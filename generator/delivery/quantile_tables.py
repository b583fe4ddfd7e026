"""Quantile tables: small quantiles read off a table wherever one cell has one quantile.

A cell is a range of uniforms and of parameters. Quantiles rise with both, so where the corners of a
cell have the same quantile, the whole cell has it. All other cells are left open, for the caller to
invert. The tables make draws faster and cannot change them.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s

Cells = NDArray[np.int16]

OPEN = -1
_COLUMNS = 256
_IN_THE_LAST = 1.0 - 0.5 / _COLUMNS
_ROWS_A_MEAN = 64
_SLOTS = 2**12
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - 12)


class PoissonTable:
    """The quantiles of Poissons with means below `most`."""

    def __init__(self, most: float) -> None:
        means = np.arange(ceil(most * _ROWS_A_MEAN) + 1) / _ROWS_A_MEAN
        probability = np.exp(-means)
        cumulative = [probability]
        while cumulative[-1].min() < 1.0 - 1.0 / _COLUMNS:
            probability = probability * means / len(cumulative)
            cumulative.append(cumulative[-1] + probability)
        by_mean = np.array(cumulative)
        self._cells = _cells(by_mean[:, :-1], by_mean[:, 1:])

    def quantiles(self, uniforms: Floats, means: Floats) -> Cells:
        """Return the quantiles, or `OPEN`: (draws,)."""
        row = (means * _ROWS_A_MEAN).astype(np.int64)
        row *= _COLUMNS
        row += (uniforms * _COLUMNS).astype(np.int64)
        return self._cells.take(row)

    def quantiles_near(self, uniforms: Floats, means: Floats, apart: Floats) -> Cells:
        """Return the quantiles of any laws with cumulative probabilities at most `apart` from
        the Poissons', or `OPEN`: (draws,). They lie between the Poissons' on either side."""
        low = self.quantiles(np.maximum(uniforms - apart, 0.0), means)
        high = self.quantiles(np.minimum(uniforms + apart, _IN_THE_LAST), means)
        low[low != high] = OPEN
        return low


class BinomialTables:
    """The quantiles of binomials with a variance below `most`, for probabilities that are shared by
    many draws and were made known by `prepare`."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._cells = np.full(1, OPEN, dtype=np.int16)
        self._known = np.full(_SLOTS, np.nan)
        self._first = np.zeros(_SLOTS, dtype=np.int64)
        self._seen = {0.0, 1.0}

    def prepare(self, probabilities: Floats) -> None:
        """Make tables of these probabilities, unless they exist or would be large."""
        for probability in set(probabilities.tolist()) - self._seen:
            self._seen.add(probability)
            slot = _slots(np.array([probability]))[0]
            if np.isnan(self._known[slot]):
                trials = int(self._most / (probability * (1.0 - probability))) + 2
                if trials * _COLUMNS < 2**19:
                    self._known[slot] = probability
                    self._first[slot] = self._cells.size
                    self._cells = np.append(self._cells, _of_binomial(trials, probability))

    def quantiles(self, uniforms: Floats, trials: Floats, probability: Floats) -> Cells:
        """Return the quantiles, or `OPEN`, also where no table was prepared: (draws,)."""
        slots = _slots(probability)
        cell = ((trials + uniforms) * _COLUMNS).astype(np.int64)
        cell += self._first.take(slots)
        cell *= self._known.take(slots) == probability
        return self._cells.take(cell)


def _slots(probabilities: Floats) -> Int64s:
    """Return the place of each probability in the list of tables: a hash of its bits."""
    bits = probabilities.view(np.uint64) * _MULTIPLIER
    bits >>= _SHIFT
    return bits.view(np.int64)


def _of_binomial(most_trials: int, probability: float) -> Cells:
    """Return the cells of fewer than `most_trials` trials, by trials."""
    trials = np.arange(most_trials, dtype=np.float64)
    p = min(probability, 1.0 - probability)
    term = np.exp(trials * np.log1p(-p))
    cumulative = [term]
    while cumulative[-1].min() < 1.0 - 1.0 / _COLUMNS:
        count = len(cumulative)
        term = term * np.maximum(trials - count + 1.0, 0.0) / count * (p / (1.0 - p))
        cumulative.append(cumulative[-1] + term)
    by_trials = np.array(cumulative)
    cells = _cells(by_trials, by_trials).reshape(most_trials, _COLUMNS)
    if probability > 0.5:
        mirrored = trials[:, None].astype(np.int16) - cells[:, ::-1]
        cells = np.where(cells[:, ::-1] == OPEN, np.int16(OPEN), mirrored)
    return cells.ravel()


def _cells(low: Floats, high: Floats) -> Cells:
    """Return the cells of cumulative probabilities (counts, rows) at the low and the high end of
    each row's range of parameters: (rows x columns,). The last column is open."""
    rows = np.arange(low.shape[1])
    first = np.minimum(np.floor(high * _COLUMNS), _COLUMNS).astype(np.int64)
    last = np.minimum(np.floor(low * _COLUMNS), _COLUMNS).astype(np.int64)
    steps = np.zeros((2, rows.size, _COLUMNS + 2), dtype=np.int16)
    for begins, ends in zip(first, last, strict=True):
        steps[0, rows, ends + 1] += 1
        steps[1, rows, begins] += 1
        steps[1, rows, ends + 1] -= 1
    counts, undecided = steps.cumsum(axis=2, dtype=np.int16)[:, :, :_COLUMNS]
    counts[undecided > 0] = OPEN
    counts[:, -1] = OPEN
    return counts.ravel()
