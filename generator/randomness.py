"""Stateless randomness: every draw is a hash of the seed, its purpose and the ids of its row.

Draws need no generator object and no order, so a row made alone equals the same row of the
whole. Keys are BLAKE2b of the parts; draws are SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of
the key. `delivery.quantiles` turns the uniforms into other distributions.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np

from generator.arrays import Floats, Int64s, Keys

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _12 = (np.uint64(bits) for bits in (30, 27, 31, 12))
_UNIT = 2.0**-52
_ONE = np.float64(1.0).view(np.uint64)
_ALMOST_ONE = 1.0 - 2.0**-53


def key(*parts: int | str) -> int:
    """Return a 64-bit key of these parts. Parts are kept apart: ("a", "bc") and ("ab", "c") differ.

    >>> key(2025, "creative", 101)
    3522351916662102029
    >>> key("a", "bc") == key("ab", "c")
    False
    """
    *first, last = parts
    state = _hash_prefix(*first).copy()
    state.update(_encode(last))
    return int.from_bytes(state.digest(), "little")


@lru_cache(maxsize=4096, typed=True)
def _hash_prefix(*parts: int | str) -> blake2b:
    """Return the hash of these parts, to continue from: many ids share seed and purpose."""
    return blake2b(b"".join(map(_encode, parts)), digest_size=8)


@lru_cache(maxsize=4096, typed=True)
def _encode(part: int | str) -> bytes:
    text = str(part).encode()
    kind = b"i" if isinstance(part, int) else b"s"
    return kind + len(text).to_bytes(4, "little") + text


def mix(values: Keys) -> Keys:
    """Apply the SplitMix64 finalizer to each value, in place."""
    shifted = values >> _30
    values ^= shifted
    values *= _MIX_1
    values ^= np.right_shift(values, _27, out=shifted)
    values *= _MIX_2
    values ^= np.right_shift(values, _31, out=shifted)
    return values


def row_keys(base: int | Keys, positions: Int64s) -> Keys:
    """Return a key per position of the stream `base`: the SplitMix64 sequence, entered anywhere.

    Several streams and positions are broadcast against one another.
    """
    steps = positions.astype(np.int64, copy=False).view(np.uint64) * GOLDEN
    return mix(np.uint64(base) + steps)


def uniforms(keys: Keys, *purposes: str) -> Floats:
    """Return a uniform per key for this purpose: 2^52 equal steps, strictly inside (0, 1).

    With several purposes the shape is (purposes, keys). A row drawn alone equals the same row
    drawn with others:

    >>> keys = row_keys(key(7, "performance"), np.arange(1000))
    >>> uniforms(keys, "clicks").round(3)[:3].tolist()
    [0.474, 0.113, 0.865]
    >>> bool(uniforms(keys[2:3], "clicks")[0] == uniforms(keys, "clicks")[2])
    True
    """
    if len(purposes) == 1:
        bits = mix(keys + _purpose(purposes[0]))
    else:
        bits = mix(keys + np.array([[_purpose(purpose)] for purpose in purposes]))
    # 52 bits are a float between 1 and 2 once they have its sign and exponent.
    bits >>= _12
    bits |= _ONE
    unit = bits.view(np.float64)
    unit -= _ALMOST_ONE
    return unit


@lru_cache
def _purpose(purpose: str) -> np.uint64:
    return np.uint64(key(purpose))


def uniform(*parts: int | str) -> float:
    """Return a uniform in (0, 1) of these parts, for a draw that an entity makes once.

    It is the uniform that `uniforms` makes of their key. Plain Python is ten times as fast for a
    single one.
    """
    bits = (key(*parts) + int(_purpose("uniform"))) % 2**64
    bits ^= bits >> 30
    bits = bits * int(_MIX_1) % 2**64
    bits ^= bits >> 27
    bits = bits * int(_MIX_2) % 2**64
    bits ^= bits >> 31
    return ((bits >> 12) + 0.5) * _UNIT
