"""PostgreSQL going away in the middle of a load, by one connection or as a whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from tests import postgresql
from tests.reliability.commands import Command, done
from tests.reliability.test_two_at_once import generate, hashes

TRIALS = 8
_END = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def end_connections(server: postgresql.Server) -> None:
    with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
        cursor.execute(_END)
        cursor.fetchall()


@pytest.mark.parametrize("whole_server", [False, True], ids=["connection", "server"])
def test_the_previous_data_stay_and_the_next_run_lands(tmp_path: Path, whole_server: bool) -> None:
    with postgresql.server() as server:
        done(tmp_path, *generate("8", server.uri))
        new = hashes(server.uri)
        seconds = done(tmp_path, *generate("7", server.uri))
        old = hashes(server.uri)
        lost = 0
        for trial in range(TRIALS):
            command = Command(tmp_path, *generate("8", server.uri))
            time.sleep(seconds * trial / TRIALS)
            if whole_server:
                postgresql.stop(server)
            else:
                end_connections(server)
            code, written = command.end()
            if whole_server:
                postgresql.start(server)
            held = hashes(server.uri)
            if code == 0:
                assert held == new
                done(tmp_path, *generate("7", server.uri))
            else:
                assert code == 1, written
                *of_the_server, told = written.splitlines()
                assert told.startswith("error: PostgreSQL: ")
                assert "what it held is as it was" in told
                assert all(line.startswith("WARNING:  terminating") for line in of_the_server)
                assert held == old
                lost += 1
        assert lost
        done(tmp_path, *generate("8", server.uri))
        assert hashes(server.uri) == new
