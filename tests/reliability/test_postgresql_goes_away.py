"""PostgreSQL going away in the middle of a load, by one connection or as a whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.errors import DestinationFailedError
from generator.sinks.postgresql import PostgresqlSink
from generator.world.build import build_world
from tests.reliability.commands import Command, done
from tests.reliability.test_two_at_once import generate, hashes
from tests.support import postgresql

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
                *before, sentence = written.splitlines()
                assert sentence.startswith("error: PostgreSQL: ")
                # The server says that it ends the connection; a slow one is waited for.
                words = ("WARNING:  terminating", "PostgreSQL: waiting for the server")
                assert all(any(word in line for word in words) for line in before), written
                if "the new data or of the old" in sentence:
                    assert held in (old, new)
                    done(tmp_path, *generate("7", server.uri))
                else:
                    assert "what it held is unchanged" in sentence
                    assert held == old
                lost += 1
        assert lost
        done(tmp_path, *generate("8", server.uri))
        assert hashes(server.uri) == new


@pytest.mark.parametrize("took_it", [False, True])
def test_at_the_commit_nobody_can_say_which_data_it_holds(
    monkeypatch: pytest.MonkeyPatch, took_it: bool
) -> None:
    commit = dbapi.Connection.commit

    def lost(connection: dbapi.Connection) -> None:
        if took_it:
            commit(connection)
        raise dbapi.OperationalError("server closed the connection", status_code=10)

    with postgresql.server() as server:
        with monkeypatch.context() as patched:
            patched.setattr(dbapi.Connection, "commit", lost)
            with pytest.raises(DestinationFailedError, match=r"the new data or of the old"):
                local.run(build_world(dataset("smoke")), PostgresqlSink(server.uri, TABLES))
        with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('raw.campaigns') IS NOT NULL")
            assert cursor.fetchone() == (took_it,)
        local.run(build_world(dataset("smoke")), PostgresqlSink(server.uri, TABLES))
        assert hashes(server.uri)["campaigns"][0] == 1
