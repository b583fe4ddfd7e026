"""The engine that makes a run on this machine: in this process, or in several.

Parts are dealt out in turn to worker processes and fetched from them in the same order, so the sink
sees what it would see from one process. A worker that is ahead waits until its part is fetched, and
one that is alone, because this process is gone, leaves.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Thread
from typing import Any

from generator.engines.job import Engine, EngineError, Job, Landed, Made, Maker, Progress, land
from generator.engines.parts import Part
from generator.schema import TABLES, RawTable
from generator.sinks.sink import DestinationError, Sink
from generator.world.world import World


def run(
    world: World,
    sink: Sink,
    jobs: int | None = None,
    tables: Collection[type[RawTable]] = TABLES,
    progress: Progress | None = None,
) -> list[Landed]:
    """Make the world's data in `jobs` processes, or one per core, and hand it to the sink; rows and
    fingerprint of each table. `progress` is called with campaigns done and campaigns in all."""
    with sink:
        return land(world, sink, processes(jobs or cores()), tables, progress)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(jobs: int) -> Engine:
    """The engine of so many processes; of one, or for a single part, this process."""

    def made(job: Job, parts: Sequence[Part]) -> Iterator[Made]:
        workers = min(jobs, sum(part.campaigns > 0 for part in parts))
        return _in_workers(job, parts, workers) if workers > 1 else map(Maker(job), parts)

    return made


def _in_workers(job: Job, parts: Sequence[Part], jobs: int) -> Iterator[Made]:
    context = multiprocessing.get_context("spawn")
    # Starting it lets signals through, so it is not left to the first worker.
    resource_tracker.ensure_running()
    workers: list[tuple[SpawnProcess, Connection]] = []
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            worker = context.Process(target=_work, args=(theirs,), daemon=True)
            with _signals_wait():
                worker.start()
                workers.append((worker, ours))
            theirs.close()
        for position, (worker, connection) in enumerate(workers):
            with _at_work(worker):
                connection.send((job, parts[position::jobs]))
        for position in range(len(parts)):
            worker, connection = workers[position % jobs]
            yield _fetched(worker, connection)
    finally:
        for worker, connection in workers:
            worker.kill()
            worker.join()
            connection.close()


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Whoever asks this process to stop is heard after the block. A process that is started in it
    is not disturbed by Ctrl-C, which reaches all processes of a terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fetched(worker: SpawnProcess, connection: Connection) -> Made:
    """The next part of a worker. Raises the DestinationError that it met, and EngineError if it is
    gone."""
    with _at_work(worker):
        made = _received(connection)
    if isinstance(made, DestinationError):
        raise made
    assert isinstance(made, Made)
    return made


@contextmanager
def _at_work(worker: SpawnProcess) -> Iterator[None]:
    """Raises EngineError if the worker is gone; what it raised stands on stderr."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        worker.join()
        raise EngineError(
            f"a worker process ended with code {worker.exitcode}; if it was killed for want of "
            "memory, try fewer --jobs"
        ) from error


def _work(connection: Connection) -> None:
    """Take a job and its parts, make them and send them, one by one; Ctrl-C is for the process that
    fetches them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    Thread(target=_leave_when_alone, daemon=True).start()
    try:
        job, parts = connection.recv()
        make = Maker(job)
        for part in parts:
            _send(connection, make(part))
    except DestinationError as error:
        _send(connection, error)
    except (ConnectionError, EOFError):
        os._exit(1)


def _leave_when_alone() -> None:
    """End this worker when the process that started it is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _send(connection: Connection, answer: Made | DestinationError) -> None:
    """Send columns as they lie in memory, beside the pickle of what they belong to: a fifth of the
    time of a pickle that holds them."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
    connection.send((pickled, len(buffers)))
    for buffer in buffers:
        connection.send_bytes(buffer.raw())


def _received(connection: Connection) -> Any:
    pickled, count = connection.recv()
    return pickle.loads(pickled, buffers=[connection.recv_bytes() for _ in range(count)])
