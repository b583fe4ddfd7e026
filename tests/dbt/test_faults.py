"""What was spoilt on purpose is put right where it can be, and found where it cannot.

Three databases of the same campaigns: clean; with the faults that staging can undo, through a plain
`dbt build` that passes; and with all of them, models only. What is found in the last is
held against the log. The other targets find the same (`test_portability`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.engines import local
from generator.enums import FaultType
from generator.faults.changed_columns import landing_tables
from generator.faults.effects import FAULT_KINDS
from generator.scenario.faults import Faults
from generator.scenario.templates import dataset
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.project import MODELS_ONLY, WITHOUT_UNIT_TESTS, dbt

ALL = dataset("faulty").faults
# An id of a creative that is gone cannot be distinguished from the rest of the table.
TOLD_ONLY = ("MISSING_HOURS", "OUTAGE", "TRACKING_LOSS", "BOT_SPIKE", "RUNAWAY_SPEND", "VAST_401")
UNDONE = tuple(str(kind) for kind in FAULT_KINDS if kind not in TOLD_ONLY)
RECOVERABLE = Faults.model_validate(
    {
        kind.lower(): [
            figures
            for figures in getattr(ALL, kind.lower())
            if getattr(figures, "column", None) != "creative_id"
        ]
        for kind in UNDONE
    }
)
# Reports of a platform: no rows without requests, some rows late, and days that settle.
REPORTS = Faults.model_validate(
    {
        "sparse_rows": True,
        "restated_days": [{"days": 3, "counted_at_first": 0.985}],
        "late_rows": [{"rate": 0.02, "days": 1}],
    }
)
# What counts rows: active ones, with sparse rows.
COUNTS_OF_ROWS = ("active_hours", "active_days", "campaigns")
# What says how rows landed, which is not the same where they landed otherwise.
OF_THE_LANDING = (
    "fct_conversion_quality_daily",
    "fct_data_quality_daily",
    "fct_fault_detection",
    "fct_incidents",
)


class Faulty:
    """A folder in which databases are made one after the other, so that dbt parses once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ads.duckdb"

    def generate(self, workflow: str, faults: Faults, **changes: Any) -> None:
        data = replace(dataset(workflow), faults=faults, **changes)
        local.run(build_world(data), DuckdbSink(self.file, landing_tables(faults)))

    def models(self) -> None:
        """`dbt build` without its tests."""
        self.dbt(f"build {MODELS_ONLY}")

    def dbt(self, command: str) -> str:
        result = dbt(command, self.file, self.folder)
        assert result.returncode == 0, result.stdout[-4000:]
        return result.stdout

    def kept(self, name: str) -> Path:
        """The database, moved out of the way."""
        place = self.folder / f"{name}.duckdb"
        shutil.move(self.file, place)
        return place


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    return Faulty(tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="module")
def undone(faulty: Faulty) -> Path:
    """The recoverable faults, through `dbt build` with all its tests."""
    faulty.generate("complete", RECOVERABLE)
    printed = faulty.dbt(f"build {WITHOUT_UNIT_TESTS}")
    assert "WARN" in printed, "raw tests tell what landed"
    return faulty.kept("undone")


@contextmanager
def compared(one: Path, other: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the databases `one` and `other`."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{one}' AS one (READ_ONLY)")
        connection.execute(f"ATTACH '{other}' AS other (READ_ONLY)")
        yield connection


def difference(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    where: str = "true",
    leave_out: tuple[str, ...] = (),
) -> list[tuple[Any, ...]]:
    """Rows of a mart that only one of the databases has, without some columns and what is of the
    build."""
    columns = [row[0] for row in connection.execute(f"DESCRIBE one.marts.{mart}").fetchall()]
    listed = ", ".join(name for name in columns if name not in (*LEFT_OUT, *leave_out))
    sides = [f"(SELECT {listed} FROM {name}.marts.{mart} WHERE {where})" for name in BOTH]
    return connection.execute(
        f"({sides[0]} EXCEPT ALL {sides[1]}) UNION ALL ({sides[1]} EXCEPT ALL {sides[0]})"
    ).fetchall()


BOTH = ("one", "other")
# Of the build, and of when a conversion was heard of.
LEFT_OUT = ("source_digest", "received_at")


def marts(connection: duckdb.DuckDBPyConnection, column: str = "") -> list[str]:
    """The marts that are compared: all, or those that have a column."""
    found = connection.execute(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'one' "
        "AND schema_name = 'marts' AND (? = '' OR column_name = ?)",
        [column, column],
    ).fetchall()
    return sorted(name for (name,) in found if name not in OF_THE_LANDING)


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_clean_data_have_no_findings(built_database: Path) -> None:
    """Every search ran on every day, and found nothing; nothing was put right."""
    ((searches, days, rows, findings),) = ask(
        built_database,
        "SELECT count(DISTINCT fault_type), count(DISTINCT activity_date), count(*), "
        "sum(findings + campaigns) FROM marts.fct_data_quality_daily",
    )
    assert (searches, findings) == (len(FaultType), 0)
    assert rows == searches * days > 100
    for table in ("staging.base_ads__performance_irregular", "marts.fct_performance_orphans"):
        assert ask(built_database, f"SELECT count(*) FROM {table}") == [(0,)]


def test_marts_of_recoverable_faults_equal_clean_ones(built_database: Path, undone: Path) -> None:
    with compared(undone, built_database) as connection:
        compared_marts = marts(connection)
        assert len(compared_marts) > 15
        assert [mart for mart in compared_marts if difference(connection, mart)] == []


def test_reports_that_are_sparse_and_late_and_settle_give_the_marts_of_clean_data(
    faulty: Faulty, built_database: Path
) -> None:
    """But for rows that count nothing, once every day has settled."""
    faulty.generate("complete", REPORTS)
    variables = ("--vars", "{sparse_rows: true, data_test_severity: error}")
    result = dbt(f"build {WITHOUT_UNIT_TESTS}", faulty.file, faulty.folder, *variables)
    assert result.returncode == 0, result.stdout[-4000:]
    settled = faulty.kept("settled")
    with compared(settled, built_database) as connection:
        counting = marts(connection, "requests")
        assert len(counting) >= 6
        for mart in counting:
            assert difference(connection, mart, "requests > 0", COUNTS_OF_ROWS) == [], mart
        for mart in ("fct_campaign_reach", "fct_audience_daily", "dim_campaigns"):
            assert difference(connection, mart) == [], mart
    assert ask(
        settled,
        "SELECT sum(findings) FROM marts.fct_data_quality_daily "
        "WHERE fault_type IN ('MISSING_HOURS', 'OUTAGE')",
    ) == [(0,)]


@pytest.mark.parametrize("fault_type", UNDONE)
def test_each_recoverable_fault_was_there_and_is_undone(
    fault_type: str, built_database: Path, undone: Path
) -> None:
    """On its days raw is otherwise than clean raw, and no mart is; every day is found."""
    log = f"SELECT DISTINCT activity_date FROM one.raw.fault_log WHERE fault_type = '{fault_type}'"
    with compared(undone, built_database) as connection:
        on_its_days = f"CAST(loaded_at AS DATE) - 1 IN ({log})"
        shared = "* EXCLUDE (click_throughs, supply_path)"
        raw = connection.execute(
            f"SELECT count(*) FROM (SELECT {shared} FROM one.raw.performance_hourly WHERE "
            f"{on_its_days} EXCEPT ALL FROM other.raw.performance_hourly WHERE {on_its_days})"
        ).fetchall()
        either = connection.execute(
            f"SELECT count(*) FROM (FROM other.raw.performance_hourly WHERE {on_its_days} EXCEPT "
            f"ALL SELECT {shared} FROM one.raw.performance_hourly WHERE {on_its_days})"
        ).fetchall()
        assert raw[0][0] + either[0][0] > 0
        daily = marts(connection, "activity_date")
        assert len(daily) >= 8
        for mart in daily:
            assert difference(connection, mart, f"activity_date IN ({log})") == [], mart
    assert ask(
        undone,
        "SELECT detection_recall, detection_precision FROM marts.fct_fault_detection "
        f"WHERE fault_type = '{fault_type}'",
    ) == [(1.0, 1.0)]


@pytest.mark.parametrize("fault_type", TOLD_ONLY)
def test_each_fault_that_is_a_fact_is_found_and_left_as_it_is(
    fault_type: str, built_database: Path, faulty_database: Path
) -> None:
    log = f"SELECT DISTINCT activity_date FROM one.raw.fault_log WHERE fault_type = '{fault_type}'"
    with compared(faulty_database, built_database) as connection:
        for (day,) in connection.execute(log).fetchall():
            where = f"activity_date = '{day}'"
            assert difference(connection, "fct_performance_hourly", where), day
            assert connection.execute(
                "SELECT findings > 0 FROM one.marts.fct_data_quality_daily "
                f"WHERE fault_type = '{fault_type}' AND {where}"
            ).fetchall() == [(True,)]


def test_days_without_a_fault_are_as_clean(built_database: Path, faulty_database: Path) -> None:
    with compared(faulty_database, built_database) as connection:
        untouched = "activity_date NOT IN (SELECT activity_date FROM one.raw.fault_log)"
        assert difference(connection, "fct_performance_hourly", untouched) == []


def test_what_is_found_is_what_was_put_in(faulty_database: Path) -> None:
    """Precision and recall by fault type, as docs/faults.md reports them."""
    judged = ask(
        faulty_database,
        "SELECT fault_type, labelled_days, detection_precision, detection_recall "
        "FROM marts.fct_fault_detection",
    )
    assert {name for name, *_ in judged} == {str(kind) for kind in FAULT_KINDS}
    assert all(labelled > 0 for _, labelled, *_ in judged)
    assert [row for row in judged if row[2] < 0.95 or row[3] < 0.95] == []


def test_conversions_that_are_late_or_repeated_are_found_and_put_right(
    undone: Path, faulty_database: Path
) -> None:
    """As many as the log says; of those that are gone, the log knows."""
    for file in (undone, faulty_database):
        ((late, repeated, wrong),) = ask(
            file,
            "SELECT sum(late_conversions), sum(repeated_conversions), "
            "count(*) FILTER (late_conversions <> logged_late_conversions "
            "OR repeated_conversions <> logged_repeated_conversions) "
            "FROM marts.fct_conversion_quality_daily",
        )
        assert (late > 0, repeated > 0, wrong) == (True, True, 0)
    ((missing, gone),) = ask(
        faulty_database,
        "SELECT sum(logged_missing_conversions), (SELECT count(*) FROM truth.conversion_causes) - "
        "(SELECT count(*) FROM staging.stg_ads__conversions) "
        "FROM marts.fct_conversion_quality_daily",
    )
    assert missing == gone > 0


def test_no_row_is_dropped_silently(faulty_database: Path) -> None:
    """Rows without a creative are in staging, and in the orphans; the two marts are all of it."""
    ((staged, placed, orphaned, nameless),) = ask(
        faulty_database,
        "SELECT (SELECT count(*) FROM staging.stg_ads__performance_hourly), "
        "(SELECT count(*) FROM marts.fct_performance_hourly), "
        "(SELECT sum(performance_rows) FROM marts.fct_performance_orphans), "
        "(SELECT count(*) FROM raw.performance_hourly WHERE creative_id IS NULL)",
    )
    assert staged == placed + orphaned
    assert orphaned == nameless > 0


def test_what_lands_late_is_taken_in_when_it_lands(faulty: Faulty) -> None:
    """Built on the day and again when late rows and restatements have come; by then the log is
    gone. The marts are what they would be without the faults."""
    data = dataset("smoke")
    late = Faults.model_validate(
        {
            "late_rows": [{"days": 2, "rate": 0.2}],
            "restated_days": [{"days": 3, "counted_at_first": 0.8, "rate": 0.5}],
        }
    )
    early = date(2025, 9, 12)
    faulty.generate("smoke", late, as_of=early)
    faulty.models()
    delivered = "SELECT sum(impressions) FROM marts.fct_performance_hourly WHERE activity_date < {}"
    ((first,),) = ask(faulty.file, delivered.format(f"DATE '{early}'"))
    faulty.generate("smoke", late, as_of=data.as_of)
    with duckdb.connect(str(faulty.file)) as connection:
        connection.execute("DROP TABLE raw.fault_log")
    faulty.models()
    ((then,),) = ask(faulty.file, delivered.format(f"DATE '{early}'"))
    assert then > first > 0
    grown = faulty.kept("grown")
    faulty.generate("smoke", Faults())
    clean = faulty.kept("clean")
    measures = "creative_id, device, hour_ts, impressions, video_q100, clicks"
    with compared(grown, clean) as connection:
        assert (
            connection.execute(
                f"SELECT {measures} FROM one.marts.fct_performance_hourly EXCEPT ALL "
                f"SELECT {measures} FROM other.raw.performance_hourly"
            ).fetchall()
            == []
        )
        assert (
            connection.execute(
                f"SELECT {measures} FROM other.raw.performance_hourly EXCEPT ALL "
                f"SELECT {measures} FROM one.marts.fct_performance_hourly"
            ).fetchall()
            == []
        )
    assert ask(grown, "SELECT count(*) FROM raw.fault_log") == [(0,)]
