"""A PostgreSQL server of the tests' own: made in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = "postgres"


class Server:
    """Listens on a socket in its folder only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""
        return {"PGHOST": str(self.folder), "PGUSER": "postgres", "PGDATABASE": "ads"}

    @property
    def uri(self) -> str:
        return f"postgresql:///ads?host={self.folder}&user=postgres"

    def run(self, program: str, *arguments: str) -> None:
        """A program of PostgreSQL, as a user that is not root: the server refuses root."""
        command = [str(programs() / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", UNPRIVILEGED, "--", *command]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)


def programs() -> Path:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name)
    )


@contextmanager
def server() -> Iterator[Server]:
    """A running server with an empty database `ads`."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    started = Server(folder)
    try:
        started.run(
            "initdb", "-D", str(started.data), "-U", "postgres", "--auth=trust", "-E", "UTF8"
        )
        start(started)
        started.run("createdb", "-h", str(folder), "-U", "postgres", "ads")
        yield started
    finally:
        stop(started)
        shutil.rmtree(folder, ignore_errors=True)


def start(stopped: Server) -> None:
    """Start a server that has its data."""
    folder = stopped.folder
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    log = str(folder / "log")
    stopped.run("pg_ctl", "-D", str(stopped.data), "-l", log, "-w", "-o", options, "start")


def stop(started: Server) -> None:
    """Stop the server at once, if it was started."""
    if (started.data / "postmaster.pid").exists():
        started.run("pg_ctl", "-D", str(started.data), "-m", "immediate", "-w", "stop")
