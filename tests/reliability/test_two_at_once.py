"""Two runs at once into one destination: one lands whole, the other says why it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from generator.schema import TABLES
from tests.reliability.commands import Command, done
from tests.reliability.database import content
from tests.reliability.test_killed_in_parquet import files
from tests.support import postgresql

PAIRS = 8


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


def hashes(uri: str) -> dict[str, tuple]:
    """Rows and hash of each raw table of a PostgreSQL database."""
    found = {}
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) "
                f"FROM {table.relation()} t"
            )
            found[table.table_name] = cursor.fetchone()
    return found


def generate(seed: str, target: str) -> tuple[str, ...]:
    return ("generate", "smoke", "--seed", seed, "--replace", "--to", target)


def in_file(folder: Path) -> object:
    return content(folder / "ads.duckdb")


def compete(folder: Path, target: str, refusal: str, held: Callable[[], object]) -> None:
    """Pairs of runs; the result is what a run that succeeded made."""
    whole = {}
    for seed in ("7", "8"):
        done(folder, *generate(seed, target))
        whole[seed] = held()
    assert whole["7"] != whole["8"]
    refused = 0
    for _ in range(PAIRS):
        pair = {seed: Command(folder, *generate(seed, target)) for seed in whole}
        ends = {seed: command.end() for seed, command in pair.items()}
        landed = [seed for seed, (code, _) in ends.items() if code == 0]
        assert held() in [whole[seed] for seed in landed]
        for code, written in ends.values():
            assert (code, written) == (0, "") or (code == 1 and refusal in written), written
            assert written.count("\n") == code
        refused += len(landed) == 1
    assert refused


def test_in_a_duckdb_file(tmp_path: Path) -> None:
    compete(tmp_path, "ads.duckdb", "is open in another process", lambda: in_file(tmp_path))


@pytest.mark.parametrize("target", ["parquet:.", "csv:."])
def test_in_a_folder(tmp_path: Path, target: str) -> None:
    compete(tmp_path, target, "another run writes to it; wait", lambda: files(tmp_path))


def test_in_postgresql(tmp_path: Path, server: postgresql.Server) -> None:
    compete(tmp_path, server.uri, "another run loads this database", lambda: hashes(server.uri))
