"""The engine that makes a run on a Spark cluster: one task per part, or as many as are asked for.

Master and settings are those of the usual Spark configuration (`spark-defaults.conf`,
`PYSPARK_SUBMIT_ARGS`, an existing session). The generator is sent to the executors, which need
the packages of the generator; what they make they pack themselves, so the sink has to be one
that packs into files on storage they can all reach.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from generator.extras import packages_of
from generator.pipeline.parts import Part
from generator.pipeline.run import Engine, Job, Maker, PackedPart, Progress, TableTotal, land
from generator.schema import TABLES, RawTable
from generator.sinks.sink import Sink
from generator.world.world import World

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import SparkSession

PACKAGE = Path(__file__).resolve().parent.parent


def run(
    world: World,
    sink: Sink,
    jobs: int | None = None,
    tables: Collection[type[RawTable]] = TABLES,
    progress: Progress | None = None,
) -> list[TableTotal]:
    """Make the world's data on Spark, in `jobs` tasks or one per part, for the sink; rows
    and fingerprint of each table. Raises MissingExtraError where PySpark is not installed."""
    with sink:
        return land(world, sink, cluster(jobs), tables, progress)


def cluster(jobs: int | None) -> Engine:
    """Return the engine of `jobs` tasks, or of one per part."""

    def made(job: Job, parts: Sequence[Part]) -> Iterator[PackedPart]:
        return _on_spark(job, parts, jobs or len(parts)) if parts else iter(())

    return made


def _on_spark(job: Job, parts: Sequence[Part], tasks: int) -> Iterator[PackedPart]:
    session, is_ours = _session()
    with tempfile.TemporaryDirectory() as folder:
        try:
            archive = shutil.make_archive(
                str(Path(folder, "generator")), "zip", PACKAGE.parent, PACKAGE.name
            )
            session.sparkContext.addPyFile(archive)
            work = session.sparkContext.broadcast(pickle.dumps((job, list(parts))))
            positions = session.range(0, len(parts), numPartitions=min(tasks, len(parts)))
            answers = positions.mapInArrow(
                partial(_make, work), "position long, made binary"
            ).collect()
        finally:
            if is_ours:
                session.stop()
    return (pickle.loads(made) for _, made in sorted(answers))


def _make(work: Broadcast[bytes], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Make the parts at these positions in a task, and pickle each."""
    job, parts = pickle.loads(work.value)
    make = Maker(job)
    for batch in batches:
        for position in batch.column(0).to_pylist():
            made = pickle.dumps(make(parts[position]))
            yield pa.RecordBatch.from_pydict({"position": [position], "made": [made]})


def _session() -> tuple[SparkSession, bool]:
    """Return the active session or a new one, and whether it is new."""
    with packages_of("spark", "the engine spark"):
        from pyspark.sql import SparkSession
    if active := SparkSession.getActiveSession():
        return active, False
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return SparkSession.builder.appName("streaming-ads").getOrCreate(), True
