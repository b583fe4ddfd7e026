"""What a DuckDB file holds: the run, the rows of each table, and every campaign's spend.

Reads only, and leaves the file unchanged.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ValidationError

from generator.schema import TABLES
from generator.schema.ddl import sql_name
from generator.sinks.duckdb import failure, unfit_value
from generator.sinks.errors import DestinationError

_SPEND = """
    SELECT
        c.campaign_id, c.name, a.name AS advertiser, c.platform, c.scenario, c.status,
        f.start_date, f.end_date, b.budget_type, b.amount_micros AS budget_micros,
        coalesce(p.spend_micros, 0)::BIGINT AS spend_micros,
        coalesce(p.impressions, 0)::BIGINT AS impressions, c.currency_code
    FROM raw.campaigns c
    JOIN raw.advertisers a USING (advertiser_id)
    JOIN raw.budgets b USING (campaign_id)
    JOIN (
        SELECT campaign_id, min(start_date) AS start_date, max(end_date) AS end_date
        FROM raw.flights GROUP BY ALL
    ) f USING (campaign_id)
    LEFT JOIN (
        SELECT campaign_id, sum(spend_micros) AS spend_micros, sum(impressions) AS impressions
        FROM raw.performance_hourly GROUP BY ALL
    ) p USING (campaign_id)
    ORDER BY campaign_id
"""


class RunHeld(BaseModel):
    """The run that filled the file."""

    workflow: str
    seed: int
    as_of_date: date
    generator_version: str


class TableHeld(BaseModel):
    """Rows of one raw table."""

    table: str
    rows: int


class CampaignHeld(BaseModel):
    """One campaign, its dates and its money."""

    campaign_id: int
    name: str
    advertiser: str
    platform: str
    scenario: str
    status: str
    start_date: date
    end_date: date
    budget_type: str
    budget_micros: int
    spend_micros: int
    impressions: int
    currency_code: str


class Contents(BaseModel):
    """All that a file holds of schema `raw`."""

    database: str
    run: RunHeld | None
    first_hour: datetime | None
    last_hour: datetime | None
    tables: list[TableHeld]
    campaigns: list[CampaignHeld]

    def rows_of(self, table: str) -> int:
        """Return how many rows a table holds, by its name with the schema."""
        return next(held.rows for held in self.tables if held.table == table)


def contents(file: Path) -> Contents:
    """Return what the file holds. Raises DestinationError for a file without raw tables, and for a
    value that no run writes."""
    if not os.path.exists(file):
        raise DestinationError(f"{file}: does not exist; `generate` or `init-db` creates it")
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            return _read(file, connection)
    except duckdb.CatalogException as error:
        raise DestinationError(
            f"{file}: has no raw tables of this version; `init-db` makes or migrates them"
        ) from error
    except ValidationError as error:
        raise unfit_value(file, error) from error
    except duckdb.Error as error:
        raise failure(file, error) from error


def _read(file: Path, connection: duckdb.DuckDBPyConnection) -> Contents:
    counts = [
        connection.execute(f"SELECT count(*) FROM {sql_name(table)}").fetchone() for table in TABLES
    ]
    run = connection.execute(
        "SELECT workflow, seed, as_of_date, generator_version FROM raw.runs ORDER BY run_id DESC"
    ).fetchone()
    span = connection.execute(
        "SELECT min(hour_ts), max(hour_ts) FROM raw.performance_hourly"
    ).fetchone()
    spend = connection.execute(_SPEND)
    columns = [column[0] for column in spend.description or ()]
    return Contents(
        database=str(file),
        run=RunHeld(**dict(zip(RunHeld.model_fields, run, strict=True))) if run else None,
        first_hour=span[0] if span else None,
        last_hour=span[1] if span else None,
        tables=[
            TableHeld(table=table.relation(), rows=count[0] if count else 0)
            for table, count in zip(TABLES, counts, strict=True)
        ],
        campaigns=[
            CampaignHeld(**dict(zip(columns, values, strict=True))) for values in spend.fetchall()
        ],
    )
