"""Rows as JSON: a line for each. Times are as in ISO 8601, in UTC, with a Z.

Text with the Arrow type of large strings is ids, in which nothing has to be spelt out.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from generator.schema import RawTable

# What a string of JSON spells out.
_SPELT_OUT = r'[\x00-\x1f"\\]'
_TEXT = pa.large_string()
_TIME_AT = 10


def json_lines(rows: pa.Table, table: type[RawTable] | None = None, end: str = "") -> pa.Array:
    """Return a line of JSON for each row, with `end` after it. With a table, each begins with the
    name of it.

    >>> rows = pa.table({"name": ["a", None], "at": pa.array([0, 1]).cast(pa.timestamp("us"))})
    >>> for line in json_lines(rows): print(line)
    {"name":"a","at":"1970-01-01T00:00:00.000000Z"}
    {"name":null,"at":"1970-01-01T00:00:00.000001Z"}
    """
    if not rows.num_rows:
        return pa.array([], _TEXT)
    parts: list[pa.Array | pa.Scalar] = []
    before = "{" if table is None else f'{{"table":"{table.table_name}",'
    for name in rows.column_names:
        values, opening, closing = _text(rows.column(name).combine_chunks())
        parts += [pa.scalar(f'{before}"{name}":{opening}', _TEXT), values]
        before = f"{closing},"
    last = pa.scalar(before.removesuffix(",") + "}" + end, _TEXT)
    return pc.binary_join_element_wise(
        *parts, last, pa.scalar("", _TEXT), null_handling="replace", null_replacement="null"
    )


def document(rows: pa.Table, table: type[RawTable] | None = None) -> memoryview:
    """Return the lines of rows as bytes."""
    lines = json_lines(rows, table, "\n")
    if not len(lines):
        return memoryview(b"")
    _, offsets, text = lines.buffers()
    first, last = (
        int.from_bytes(offsets.slice((lines.offset + place) * 8, 8).to_pybytes(), "little")
        for place in (0, len(lines))
    )
    return memoryview(text)[first:last]


def _text(values: pa.Array) -> tuple[pa.Array, str, str]:
    """Return values as JSON writes them, and what is still to be put before and after each."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        words = [json.dumps(word, ensure_ascii=False) for word in values.dictionary.to_pylist()]
        return pa.array(words, _TEXT).take(values.indices), "", ""
    if pa.types.is_timestamp(kind):
        text = pc.binary_replace_slice(values.cast(pa.string()), _TIME_AT, _TIME_AT + 1, b"T")
        return _quoted(text.cast(_TEXT), "Z")
    if pa.types.is_date(kind):
        return _quoted(values.cast(_TEXT))
    if pa.types.is_large_string(kind):
        return _quoted(values)
    if pa.types.is_string(kind):
        if not pc.any(pc.match_substring_regex(values, _SPELT_OUT)).as_py():
            return _quoted(values.cast(_TEXT))
        spelt = [
            None if word is None else json.dumps(word, ensure_ascii=False)
            for word in values.to_pylist()
        ]
        return pa.array(spelt, _TEXT), "", ""
    return values.cast(_TEXT), "", ""


def _quoted(text: pa.Array, unit: str = "") -> tuple[pa.Array, str, str]:
    """Return text with what is to be put around it: quotation marks, or nothing if some of it is
    missing, and the rest has them."""
    if not text.null_count:
        return text, '"', f'{unit}"'
    parts = [pa.scalar(part, _TEXT) for part in ('"', f'{unit}"', "")]
    return pc.binary_join_element_wise(parts[0], text, *parts[1:]), "", ""
