"""Batches wait for one another: none is lost or overtakes another, and few wait at a time."""

from __future__ import annotations

from collections import Counter, defaultdict

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from generator.schema import Campaign, PerformanceHourly, RawTable
from generator.sinks.sink import InsertBuffer

ENOUGH = 100
BATCHES = 16


@given(
    st.lists(st.tuples(st.sampled_from([Campaign, PerformanceHourly]), st.integers(0, 60))),
)
def test_all_rows_go_on_in_their_order_and_few_wait(arrivals) -> None:
    waiting = InsertBuffer(ENOUGH)
    gone: dict[type[RawTable], list[int]] = defaultdict(list)
    rows, batches, numbers = Counter(), Counter(), Counter()
    for table, count in arrivals:
        first = numbers[table]
        batch = pa.record_batch({"number": pa.array(range(first, first + count), pa.int64())})
        numbers[table] += count
        rows[table] += count
        batches[table] += 1
        ready = waiting.add(table, batch)
        assert (ready is not None) == (rows[table] >= ENOUGH or batches[table] == BATCHES)
        if ready is not None:
            assert ready.num_rows == rows.pop(table)
            del batches[table]
            gone[table] += ready["number"].to_pylist()
    for table, rest in waiting.rest():
        gone[table] += rest["number"].to_pylist()
    assert gone == {table: list(range(count)) for table, count in numbers.items()}
    assert list(waiting.rest()) == []
