"""A webhook as the target of a live run, and a file that keeps how far it is."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from generator.live.clock import moment_of
from generator.live.stream import Ending, stream
from generator.live.targets.named import target_of
from generator.live.targets.webhook import WebhookTarget
from generator.live.timeline import EVENTS, Timeline
from generator.schema import PerformanceHourly
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, columns_of, plan_of

SENT = (*EVENTS, PerformanceHourly)


class Receiver(HTTPServer):
    """Keeps what is posted. Every `fails_each`th request gets the answer `code`."""

    def __init__(self, code: int, fails_each: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.code, self.fails_each, self.requests = code, fails_each, 0
        self.bodies: dict[str, io.BytesIO] = {}
        self.moved_to: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        is_refused = self.server.requests % self.server.fails_each == 0
        if not is_refused:
            assert self.headers["Schema-Version"] == "1"
            name = self.headers["Event-Table"]
            self.server.bodies.setdefault(name, io.BytesIO()).write(body)
        self.send_response(self.server.code if is_refused else 204)
        if self.server.moved_to:
            self.send_header("Location", self.server.moved_to)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.requests += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver(code: int = 503, fails_each: int = 7) -> Iterator[Receiver]:
    server = Receiver(code, fails_each)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(world: World, url: str, state: Path | None = None, **changes: Any) -> Ending:
    timeline = Timeline(world, SENT)
    target = WebhookTarget(url, state)
    return stream(timeline, target, plan_of(timeline, world, **changes), lambda _: None)


def tables_of(server: Receiver, world: World, folder: Path) -> dict[str, pa.Table]:
    found = {}
    for name, body in server.bodies.items():
        file = folder / f"{name}.ndjson"
        file.write_bytes(body.getvalue())
        found[name] = duckdb.sql(
            f"select * from read_json('{file}', format='newline_delimited', "
            f"columns={columns_of(world, name)})"
        ).to_arrow_table()
    return found


def test_what_is_received_is_the_batch_with_failures_and_after_a_stop(
    tmp_path: Path, world: World, batch: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that fails now and then gets the same rows again, and no other rows twice."""
    monkeypatch.setattr("generator.live.stream._FIRST_WAIT", 0.001)
    state = tmp_path / "state" / "hook.json"
    with receiver() as server:
        middle = moment_of(datetime(2025, 10, 2, 20, 17))
        first = send(world, server.url, state, until=middle)
        second = send(world, server.url, state)
    assert (first.went_on, second.went_on, second.is_complete) == (False, True, True)
    assert first.totals.errors + second.totals.errors > 0
    names = [table.table_name for table in SENT]
    assert_equal(tables_of(server, world, tmp_path), {name: batch[name] for name in names})


def test_a_receiver_that_refuses_is_a_sentence(world: World) -> None:
    with receiver(code=404, fails_each=1) as server:
        with pytest.raises(DestinationFailedError, match="answers 404 Not Found; see to the"):
            send(world, server.url)
        assert server.requests == 1


def test_a_receiver_that_has_moved_is_a_sentence(world: World) -> None:
    """A client that went there would ask for a page, and take that for a receipt."""
    with receiver(code=302, fails_each=1) as server:
        server.moved_to = "/elsewhere"
        with pytest.raises(DestinationFailedError, match="answers 302 Found; see to the"):
            send(world, server.url)
        assert server.requests == 1


def test_a_state_is_of_one_run_at_a_time(tmp_path: Path, world: World) -> None:
    state = tmp_path / "hook.json"
    older = WebhookTarget("http://hook.example/events", state)
    assert older.open(SENT) is None
    with pytest.raises(DestinationError, match="another live run has it"):
        send(world, "http://hook.example/events", state)
    older.close()
    for others in (b"mine", b"\x89PNG\xff"):
        state.write_bytes(others)
        with pytest.raises(DestinationError, match="is not the state of a live run"):
            send(world, "http://hook.example/events", state)
        assert state.read_bytes() == others


def test_other_targets_keep_it_themselves(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="leave --state out"):
        target_of(f"ndjson:{tmp_path}", tmp_path / "state.json")
    with pytest.raises(DestinationError, match="a user and a password in the address"):
        target_of("https://reader:secret@hook.example/events")
