"""The Evidence project: sources run on the marts, the page on the sources, charts on the page."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.support.project import ROOT

PROJECT = ROOT / "dashboards/evidence"
PAGE = (PROJECT / "pages/index.md").read_text()
QUERIES = dict(re.findall(r"```sql (\w+)\n(.*?)```", PAGE, re.DOTALL))
# A component, and those inside it: they read the rows that its `data` names.
COMPONENTS = re.findall(r"<(\w+)\s+data=\{(\w+)\}(.*?)(?:/>|</\1>)", PAGE, re.DOTALL)
COLUMNS = r"\b(?:x|y|value|series|id)=(\w+)"


@pytest.fixture(scope="module")
def sources(built_database: Path) -> duckdb.DuckDBPyConnection:
    """The rows of each source as a table, as Evidence keeps them."""
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{built_database}' AS built (READ_ONLY)")
    for source in (PROJECT / "sources").glob("*/*.sql"):
        name = f"{source.parent.name}.{source.stem}"
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {source.parent.name}")
        query = source.read_text().replace("marts.", "built.marts.")
        connection.execute(f"CREATE TABLE {name} AS {query}")
        assert connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] > 100
    return connection


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("advertiser", ["%", "NexBank"])
def test_every_query_of_the_page_has_rows(
    sources: duckdb.DuckDBPyConnection, name: str, advertiser: str
) -> None:
    query = QUERIES[name].replace("${inputs.advertiser.value}", advertiser)
    assert "${" not in query
    assert len(sources.sql(query).fetchall()) > 0


@pytest.mark.parametrize(("component", "query", "body"), COMPONENTS)
def test_every_component_shows_columns_of_its_query(
    sources: duckdb.DuckDBPyConnection, component: str, query: str, body: str
) -> None:
    found = sources.sql(QUERIES[query].replace("${inputs.advertiser.value}", "%")).columns
    used = set(re.findall(COLUMNS, body.partition("<DropdownOption")[0]))
    assert used, component
    assert used <= set(found)


def test_the_page_has_a_component_for_each_query() -> None:
    assert {query for _, query, _ in COMPONENTS} == set(QUERIES)
    assert len(COMPONENTS) == PAGE.count("data={")


def test_the_connection_opens_the_default_database() -> None:
    for file in (PROJECT / "sources").glob("*/connection.yaml"):
        connection = yaml.safe_load(file.read_text())
        assert connection["type"] == "duckdb"
        opened = (file.parent / connection["options"]["filename"]).resolve()
        assert opened == ROOT / "data/ads.duckdb"
