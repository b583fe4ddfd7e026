"""A DuckDB file of a user, and what it holds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import duckdb

from generator.sinks import replacement

# The schemas of the tables that a run makes.
OURS = ("raw.", "truth.")
# What dbt makes of raw (tables, and views on it), and a table of the user's own.
_OTHERS = """
    CREATE SCHEMA staging;
    CREATE VIEW staging.stg_ads__campaigns AS SELECT * FROM raw.campaigns;
    CREATE SCHEMA marts;
    CREATE TABLE marts.dim_campaigns AS SELECT * FROM raw.campaigns;
    CREATE TABLE marts.fct_performance_hourly AS SELECT * FROM raw.performance_hourly;
    CREATE VIEW marts.report AS
        SELECT name, sum(impressions) AS impressions
        FROM staging.stg_ads__campaigns JOIN raw.performance_hourly USING (campaign_id)
        GROUP BY name;
    CREATE TABLE main.notes (id INTEGER PRIMARY KEY, note VARCHAR NOT NULL);
    INSERT INTO main.notes SELECT range, 'note ' || range FROM range(20_000);
    CREATE INDEX by_note ON main.notes (note);
"""

Content = dict[str, tuple]
FILE = "ads.duckdb"


def add_others(file: Path) -> None:
    """Marts, and a table of the user's own, into a file with raw tables."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(_OTHERS)


def content(file: Path) -> Content:
    """Rows and hash of each table, and the text of each view, by name. Every index and view must
    work."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found: Content = {
            f"{schema}.{view}": (sql,)
            for schema, view, sql in connection.execute(
                "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        }
        for view in found:
            connection.execute(f"SELECT count(*) FROM {view}")
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        ).fetchall()
        for (name,) in tables:
            hashed = connection.execute(f"SELECT count(*), sum(hash(t)) FROM {name} t").fetchone()
            assert hashed
            found[name] = hashed
        if "main.notes" in found:
            query = "SELECT id FROM main.notes WHERE note = 'note 4711'"
            assert connection.execute(query).fetchall() == [(4711,)]
        return found


def left_over(folder: Path, number: int) -> bool:
    """Whether a run that got this signal has left the file, and nothing else but, after SIGKILL,
    the folder with the copy that it worked on."""
    may_be_there = {FILE + replacement.SUFFIX} if number == signal.SIGKILL else set()
    return {FILE} <= set(os.listdir(folder)) <= {FILE, *may_be_there}


def generated(held: Content) -> Content:
    """The tables of it that a run makes."""
    return {name: rows for name, rows in held.items() if name.startswith(OURS)}
