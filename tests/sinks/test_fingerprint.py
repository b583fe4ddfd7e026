"""A fingerprint is of the values: not of their order, their batches, or the libraries' types."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from generator.sinks.fingerprint import Fingerprint

SCHEMA = pa.schema(
    [
        ("n", pa.int32()),
        ("text", pa.string()),
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("x", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us")),
        ("ratio", pa.decimal128(4, 3)),
    ]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**31), 2**31 - 1),
            "text": st.none() | st.text(max_size=5),
            "kind": st.none() | st.sampled_from(["A", "B"]),
            "x": st.none() | st.floats(allow_nan=False),
            "flag": st.none() | st.booleans(),
            "day": st.none() | st.dates(),
            "at": st.none() | st.datetimes(),
            "ratio": st.none() | st.decimals(0, 1, places=3),
        }
    ),
    min_size=1,
    max_size=12,
)


def fingerprint(*batches: list[dict]) -> str:
    result = Fingerprint()
    for rows in batches:
        result.add(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    return result.hexdigest


@given(ROWS, st.randoms(), st.integers(0, 12))
def test_order_and_batches_do_not_matter(rows: list[dict], random, cut: int) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert fingerprint(rows) == fingerprint(shuffled[:cut], shuffled[cut:])


@given(ROWS, ROWS)
def test_different_rows_have_different_fingerprints(first: list[dict], second: list[dict]) -> None:
    same = sorted(map(repr, first)) == sorted(map(repr, second))
    if not same and 0.0 not in [row["x"] for row in first + second]:
        assert fingerprint(first) != fingerprint(second)


def test_a_repeated_row_and_a_missing_value_are_seen() -> None:
    row = dict.fromkeys(SCHEMA.names)
    assert fingerprint([row]) != fingerprint([row, row])
    assert fingerprint([row]) != fingerprint([row | {"n": 0}])
    assert fingerprint([row | {"text": ""}]) != fingerprint([row])


def test_a_dictionary_column_counts_as_its_text() -> None:
    batch = pa.RecordBatch.from_pydict({"c": pa.array(["a", "b", "a"])})
    coded = pa.RecordBatch.from_pydict({"c": pa.array(["a", "b", "a"]).dictionary_encode()})
    plain, encoded = Fingerprint(), Fingerprint()
    plain.add(batch)
    encoded.add(coded)
    assert plain.hexdigest == encoded.hexdigest


def test_the_method_is_frozen() -> None:
    row = {
        "n": 7, "text": "é", "kind": "A", "x": 0.5, "flag": True, "day": date(2025, 1, 2),
        "at": datetime(2025, 1, 2, 3), "ratio": Decimal("0.900"),
    }  # fmt: skip
    assert fingerprint([row]) == "7dfbce57f576c1e3"
