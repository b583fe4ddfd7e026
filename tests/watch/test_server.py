"""The server of the page: which requests it answers, and what it says while it waits."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from generator.scenario.errors import InputError
from generator.watch.database import LiveDatabase
from generator.watch.server import Readings, Server
from tests.support.project import ROOT, Answer


@contextmanager
def serving(file: Path) -> Iterator[Server]:
    """A server on a free port."""
    with Server(LiveDatabase(str(file)), 0) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(live_database: Path) -> Iterator[Server]:
    with serving(live_database) as found:
        yield found


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def state(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(server, "/state").read())
    return found


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_the_page_and_all_that_it_refers_to_is_there(server: Server) -> None:
    answer = ask(server, "/")
    page = answer.read().decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    places = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert set(places) == {"/report.css", "/watch.css", "/watch.js"}
    assert [ask(server, place).status for place in places] == [200] * len(places)


def test_the_state_is_json(server: Server) -> None:
    found = state(server)
    assert found["waiting_for"] is None
    assert 0 <= found["age_seconds"] < 10
    assert found["stream"]["events"] == 24_000


def test_a_name_that_is_pointed_at_this_machine_is_refused(server: Server) -> None:
    """DNS rebinding: a page of evil.example asks evil.example, which is 127.0.0.1 by then."""
    hosts = ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1", "127.0.0.1:1", "")
    for path in ("/", "/state"):
        for host in hosts:
            answer = ask(server, path, Host=host)
            assert answer.status == 421
            assert b"campaign" not in answer.read()
        assert ask(server, path, Host=f"LOCALHOST:{server.server_port}").status == 200


def test_no_other_site_may_read_or_frame_it(server: Server) -> None:
    answer = ask(server, "/state", Origin="https://evil.example")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert [name for name in headers if name.startswith("access-control")] == []
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "python" not in headers["server"].lower()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_only_get_is_answered(server: Server, method: str) -> None:
    answer = ask(server, "/state", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "path", ["/nothing", "/../server.py", "/server.py", "//etc/passwd", "/%2e%2e/x", "/state/"]
)
def test_there_is_nothing_else(server: Server, path: str) -> None:
    assert ask(server, path).status == 404


def test_a_browser_that_leaves_harms_nothing(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for sent in (b"GET /state HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.sendall(sent)
    assert ask(server, "/state").status == 200
    assert capsys.readouterr().err == ""


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with Server(LiveDatabase(f"postgresql://ads:secret@/ads?host={tmp_path}"), 0) as server:
        found = server.readings.now()
    assert found["waiting_for"].startswith("PostgreSQL cannot be read now")
    assert "secret" not in json.dumps(found)


def test_while_it_waits_the_last_figures_stay_and_say_their_age(live_database: Path) -> None:
    seconds = 0.0
    readings = Readings(LiveDatabase(str(live_database)), lambda: seconds)
    before = readings.now()
    moved = live_database.rename(live_database.with_suffix(".moved"))
    seconds = 42.0
    waiting = readings.now()
    assert "does not exist yet" in waiting["waiting_for"]
    assert waiting["age_seconds"] == 42
    assert waiting["campaigns"] == before["campaigns"]
    moved.rename(live_database)
    seconds = 44.0
    assert readings.now()["waiting_for"] is None
    assert readings.now()["age_seconds"] == 0


def test_before_the_first_reading_there_are_no_figures(tmp_path: Path) -> None:
    found = Readings(LiveDatabase(str(tmp_path / "stream.duckdb"))).now()
    assert found["age_seconds"] is None
    assert "campaigns" not in found


def test_many_browsers_are_one_reading_a_second(
    live_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = LiveDatabase(str(live_database))
    readings, seconds = [], 0.0
    reading = database.reading

    def counted() -> Any:
        readings.append(seconds)
        return reading()

    monkeypatch.setattr(database, "reading", counted)
    watched = Readings(database, lambda: seconds)
    for seconds in (0.0, 0.2, 0.9, 1.0, 1.5, 2.5):  # noqa: B007
        watched.now()
    assert readings == [0.0, 1.0, 2.5]


# --- The command.


def test_a_port_that_is_in_use_is_a_sentence(
    run: Callable[..., Answer], server: Server, live_database: Path
) -> None:
    answer = run("watch", str(live_database), "--port", str(server.server_port))
    assert answer.code == 2
    assert f"--port {server.server_port}: is in use by another program; give another" in answer.err


@pytest.mark.parametrize("port", ["-1", "65536", "99999999999"])
def test_a_number_that_is_no_port_is_a_sentence(
    run: Callable[..., Answer], live_database: Path, port: str
) -> None:
    answer = run("watch", str(live_database), "--port", port)
    assert answer.code == 2
    assert f"--port {port}: is not a port" in answer.err


def test_a_folder_of_files_is_a_sentence(run: Callable[..., Answer]) -> None:
    answer = run("watch", "parquet:data/live")
    assert answer.code == 2
    assert "cannot be watched" in answer.err


def test_ctrl_c_ends_it_with_a_line_of_its_own(tmp_path: Path) -> None:
    """The address is printed before anything is asked, and the file need not exist yet."""
    command = [sys.executable, "-m", "generator", "watch", str(tmp_path / "x.duckdb")]
    with subprocess.Popen(
        [*command, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        printed = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        port = int(printed["url"].split(":")[-1].strip("/"))
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/state")
        assert "does not exist yet" in json.loads(connection.getresponse().read())["waiting_for"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == f"{printed['url']} is closed\n"


def test_a_port_is_refused_before_a_page_is_promised(live_database: Path, server: Server) -> None:
    with pytest.raises(InputError):
        Server(LiveDatabase(str(live_database)), server.server_port)
