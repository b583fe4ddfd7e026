"""Queries of a page, each with its answer as a table below it."""

from __future__ import annotations

import re

import duckdb

_ASKED = re.compile(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", re.DOTALL)


def check_answers(text: str, connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many queries a text has. Raises AssertionError where an answer is not its own."""
    blocks = _ASKED.findall(text)
    for query, answer in blocks:
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        rows = [
            [f"{value:,}" if isinstance(value, int) else str(value) for value in row]
            for row in found.fetchall()
        ]
        lines = [names, ["---"] * len(names), *rows]
        shown = [line.strip("|").replace(" ", "").split("|") for line in answer.splitlines()]
        assert shown == lines, query
    return len(blocks)
