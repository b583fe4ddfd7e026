"""The page and its figures for browsers of this machine: it listens on 127.0.0.1, answers GET
only, and reads the database while a page is open, once a second at most.

A site that a browser shows elsewhere cannot read it: an address in `Host` that is not that of this
machine is refused (a name that is pointed here, DNS rebinding), and no other origin is allowed.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Lock
from typing import Any

from generator.scenario.errors import bad_input
from generator.system import POSIX
from generator.watch import queries
from generator.watch.database import LiveDatabase, NotReadableError

ADDRESS = "127.0.0.1"
# A slow database is left alone for most of the time.
_SECONDS_BETWEEN_READINGS = 1.0
_REST_PER_SECOND_OF_READING = 9
_SECONDS_OF_A_REQUEST = 30

log = logging.getLogger("generator")


class Readings:
    """The last good reading of a database, and why there is no newer one."""

    def __init__(self, database: LiveDatabase, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._next = float("-inf")
        self._read_at: float | None = None
        self._delivery = queries.Delivery()
        self._last: dict[str, Any] = {}
        self._waiting_for: str | None = None

    def now(self) -> dict[str, Any]:
        """Return the state for the page: `database`, `waiting_for` (a sentence, or None),
        `age_seconds` of what was read (None: nothing yet) and what `queries.read` returns."""
        with self._lock:
            if self._clock() >= self._next:
                self._read()
            age = None if self._read_at is None else max(self._clock() - self._read_at, 0.0)
            return {
                "database": self._database.label,
                "waiting_for": self._waiting_for,
                "age_seconds": age,
                **self._last,
            }

    def _read(self) -> None:
        started = self._clock()
        try:
            with self._database.reading() as query:
                self._last = queries.read(query, datetime.now(UTC), self._delivery)
            self._read_at, self._waiting_for = self._clock(), None
        except NotReadableError as error:
            self._waiting_for = str(error)
        rest = _REST_PER_SECOND_OF_READING * (self._clock() - started)
        self._next = self._clock() + max(_SECONDS_BETWEEN_READINGS, rest)


class Server(ThreadingHTTPServer):
    """The server of one database's page. Raises InputError for a port that cannot be had."""

    daemon_threads = True
    # On Windows the option lets two programs listen on the same port.
    allow_reuse_address = POSIX

    def __init__(self, database: LiveDatabase, port: int) -> None:
        self.readings = Readings(database)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise bad_input(_why_not(error), f"--port {port}") from error
        self.hosts = {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}
        self.url = f"http://{ADDRESS}:{self.server_port}/"

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """Log what went wrong with one request, such as a browser that has left."""
        log.debug("a request of %s failed", client_address, exc_info=True)


def _why_not(error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return "is in use by another program; give another --port, or 0 for a free one"
    if code == errno.EACCES:
        return "is for programs of the system; give a --port above 1023"
    return "is not a port; give a --port from 1024 to 65535, or 0 for a free one"


_FILES = {
    "/": ("generator.watch", "page.html", "text/html"),
    "/report.css": ("generator.report", "report.css", "text/css"),
    "/watch.css": ("generator.watch", "watch.css", "text/css"),
    "/watch.js": ("generator.watch", "watch.js", "text/javascript"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version, sys_version = "streaming-ads", ""
    timeout = _SECONDS_OF_A_REQUEST

    def do_GET(self) -> None:
        """Answer with a file of the page, or with the state as JSON."""
        path = self.path.partition("?")[0]
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"Open {self.server.url} instead.")
        elif path == "/state":
            text = json.dumps(self.server.readings.now(), ensure_ascii=False, allow_nan=False)
            self._send(HTTPStatus.OK, "application/json", text)
        elif path in _FILES:
            package, name, kind = _FILES[path]
            self._send(HTTPStatus.OK, kind, files(package).joinpath(name).read_text("utf-8"))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _not_allowed(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered.", Allow="GET")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _not_allowed

    def _refuse(self, status: HTTPStatus, sentence: str, **headers: str) -> None:
        self._send(status, "text/plain", f"{sentence}\n", **headers)

    def _send(self, status: HTTPStatus, kind: str, text: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log a request with --verbose only."""
        log.debug("watch: %s", format % arguments)
