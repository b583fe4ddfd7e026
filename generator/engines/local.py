"""The engine that makes a run on this machine: in this process, or in several.

Parts are dealt out to worker processes as they get done and handed on in their order, so the sink
sees what it would see from one process. A worker that is far ahead waits until its part is due, and
one that is alone, because this process is gone, leaves.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

from generator.engines.shared import Shared, map_arrays, nameless_file, write_arrays
from generator.extras import do_without_pandas
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.errors import EngineError
from generator.pipeline.parts import Part
from generator.pipeline.run import (
    Engine,
    Job,
    Maker,
    PackedPart,
    Progress,
    TableTotal,
    in_this_process,
    land,
)
from generator.schema import TABLES, RawTable
from generator.sinks.sink import Sink
from generator.system import OF_TERMINALS, POSIX, STOPS, block_stops, unblock_stops
from generator.world.world import World

# Parts that a worker has in hand: the one it makes and the next.
_DEALT = 2
_NICE = 5
_THREADS_OF_ARROW = 4
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def run(
    world: World,
    sink: Sink,
    jobs: int | None = None,
    tables: Collection[type[RawTable]] = TABLES,
    progress: Progress | None = None,
) -> list[TableTotal]:
    """Make the world's data in `jobs` processes, or one per core, and hand it to the sink; rows and
    fingerprint of each table. `progress` is called with campaigns done, campaigns in all and rows
    so far. Raises EngineError where the system starts no more threads or processes."""
    if sink.packs_files:
        _require_threads()
    with sink:
        return land(world, sink, processes(jobs or cores()), tables, progress)


def _require_threads() -> None:
    """Raise EngineError where this process cannot start threads: Arrow, which writes files with
    them, would wait for the first of them without an end."""
    done = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(_THREADS_OF_ARROW):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        raise EngineError(
            "the system cannot start another thread: raise its limit (`ulimit -u`, or `pids.max` "
            "of a container)"
        ) from error
    finally:
        done.set()
        for thread in started:
            thread.join()


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(jobs: int) -> Engine:
    """Return the engine of `jobs` processes; of one, or for a single part, this process."""

    def made(job: Job, parts: Sequence[Part]) -> Iterator[PackedPart]:
        workers = min(jobs, sum(part.last > part.first for part in parts))
        return _in_workers(job, parts, workers) if workers > 1 else in_this_process(job, parts)

    return made


def _in_workers(job: Job, parts: Sequence[Part], jobs: int) -> Iterator[PackedPart]:
    context = multiprocessing.get_context("spawn")
    if POSIX:
        # Starting it lets signals through, so it is not left to the first worker.
        resource_tracker.ensure_running()
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(jobs):
            ends: tuple[Any, Any] = context.Pipe()
            ours, theirs = ends
            worker = context.Process(target=_work, args=(theirs,), daemon=True)
            with _signals_wait():
                worker.start()
                workers[ours] = worker
            theirs.close()
        # Workers take about as long to start as computing the shared supplies: do that meanwhile.
        _share_supplies(job, workers)
        yield from _in_order(parts, workers)
    finally:
        for connection, worker in workers.items():
            worker.kill()
            worker.join()
            connection.close()


def _share_supplies(job: Job, workers: Mapping[Connection, SpawnProcess]) -> None:
    """Send the job to all workers, and the file that has the markets, or a copy of them where no
    file can be passed on."""
    supplies = {name: dict(supply) for name, supply in CountrySupplies(job.world).items()}
    if not POSIX:
        for connection, worker in workers.items():
            with _at_work(worker):
                connection.send((job, supplies))
        return
    try:
        with nameless_file() as file:
            shared = write_arrays(supplies, file)
            for connection, worker in workers.items():
                with _at_work(worker):
                    connection.send((job, shared))
                    send_handle(connection, file, worker.pid)
    except OSError as error:
        raise EngineError(
            f"could not allocate shared memory ({error.strerror}); try --jobs 1"
        ) from error


def _in_order(
    parts: Sequence[Part], workers: Mapping[Connection, SpawnProcess]
) -> Iterator[PackedPart]:
    """Deal the parts out as workers get done, not far beyond the one that is due, and give each
    when it is due."""
    dealt: dict[Connection, deque[int]] = {connection: deque() for connection in workers}
    made: dict[int, PackedPart] = {}
    upcoming = 0
    for due in range(len(parts)):
        while due not in made:
            for connection in sorted(workers, key=lambda worker: len(dealt[worker])) * _DEALT:
                within_reach = upcoming < min(len(parts), due + _DEALT * len(workers))
                if within_reach and len(dealt[connection]) < _DEALT:
                    with _at_work(workers[connection]):
                        connection.send(parts[upcoming])
                    dealt[connection].append(upcoming)
                    upcoming += 1
            heard_of = wait(workers)
            for connection in [worker for worker in workers if worker in heard_of]:
                made[dealt[connection].popleft()] = _fetch(workers[connection], connection)
        yield made.pop(due)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Answer a request to stop this process after the block only. A process that is started in it
    is not disturbed by Ctrl-C, which reaches all processes of a terminal."""
    heard: list[int] = []
    # A signal that is blocked here may come by way of another thread: both are needed.
    handlers = (
        {stop: signal.signal(stop, lambda number, _: heard.append(number)) for stop in STOPS}
        if threading.current_thread() is threading.main_thread()
        else {}
    )
    try:
        with block_stops():
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for stop in heard:
            signal.raise_signal(stop)


def _fetch(worker: SpawnProcess, connection: Connection) -> PackedPart:
    """Return the next part of a worker. Raises the error that it met, and EngineError if it is
    gone."""
    with _at_work(worker):
        made = _receive(connection)
    if isinstance(made, Exception):
        raise made
    assert isinstance(made, PackedPart)
    return made


@contextmanager
def _at_work(worker: SpawnProcess) -> Iterator[None]:
    """Raise EngineError if the worker is gone; its traceback is on stderr."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        worker.join()
        raise EngineError(
            f"a worker process ended with code {worker.exitcode}; if the system ran out of memory, "
            "try fewer --jobs"
        ) from error


def _work(connection: Connection) -> None:
    """Take a job, and then make the parts that are asked for and send them, one by one. Ctrl-C
    and a terminal that closes are for the process that fetches them."""
    # All wait for the process that lands, so with fewer cores than processes it comes first.
    if POSIX:
        os.nice(_NICE)
    do_without_pandas()
    # What is loaded by now stays: the collector need not look through it, nor often at the rest.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for number in OF_TERMINALS:
        signal.signal(number, signal.SIG_IGN)
    unblock_stops()
    try:
        threading.Thread(target=_leave_when_alone, daemon=True).start()
        job, supplies = connection.recv()
        if POSIX and isinstance(supplies, Shared):
            file = recv_handle(connection)
            supplies = map_arrays(supplies, file)
            os.close(file)
        make = Maker(job, supplies)
        while True:
            _send(connection, make(connection.recv()))
    except (ConnectionError, EOFError):
        os._exit(1)
    except Exception as error:
        error.add_note(traceback.format_exc())
        with suppress(OSError):
            _send(connection, _portable(error))


def _portable(error: Exception) -> Exception:
    """Return an error that another process can load: itself, or one with its text and notes."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
        copy.__notes__ = error.__notes__
        return copy


def _leave_when_alone() -> None:
    """End this worker when the process that started it is gone, in the middle of any work."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _send(connection: Connection, answer: PackedPart | Exception) -> None:
    """Send columns as they lie in memory, beside the pickle of what they belong to: a fifth of the
    time of a pickle that holds them."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
    columns = [buffer.raw() for buffer in buffers]
    connection.send((pickled, [column.nbytes for column in columns]))
    for column in columns:
        if POSIX:
            while column:
                column = column[os.write(connection.fileno(), column) :]
        elif column:
            connection.send_bytes(column)


def _receive(connection: Connection) -> Any:
    pickled, sizes = connection.recv()
    return pickle.loads(pickled, buffers=[_fill(connection, size) for size in sizes])


def _fill(connection: Connection, size: int) -> memoryview:
    """Return the next bytes of a connection, read to where they stay: `recv_bytes` copies them
    twice."""
    whole = np.empty(size, dtype=np.uint8).data
    rest = whole
    if POSIX:
        while rest:
            if not (read := os.readv(connection.fileno(), [rest])):
                raise EOFError
            rest = rest[read:]
    elif rest:
        connection.recv_bytes_into(rest)
    return whole
