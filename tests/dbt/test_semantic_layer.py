"""Every metric of the semantic layer, through MetricFlow, against the marts.

MetricFlow takes two seconds to import, so it is imported when the tests run.
"""

from __future__ import annotations

import copy
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.schema.delivery_columns import CONVERSION_FACTS, CONVERSION_METRICS
from tests.support.project import link_project

DAILY = "marts.fct_campaign_performance_daily"
CONVERSIONS = "marts.fct_conversions_daily"
TRACKED = {f"tracked_{name}": name for name in ("impressions", "clicks", "spend")}
RATIOS_OF_CONVERSIONS = [metric.name for metric in CONVERSION_METRICS]
OF_CONVERSIONS = {*TRACKED, *RATIOS_OF_CONVERSIONS, *(fact.name for fact in CONVERSION_FACTS)}
LOCAL_DAYS = "marts.fct_campaign_performance_daily_local"
OF_LOCAL_DAYS = {f"local_{name}": name for name in ("impressions", "clicks", "spend")}
OF_THE_LOG = {
    "logged_impressions": "sum(impressions)",
    "logged_reach": "count(DISTINCT household_id)",
    "logged_frequency": "sum(impressions)::DOUBLE / count(DISTINCT household_id)",
}
OF_EXPERIMENTS = {
    "incremental_conversions": "sum(incremental_conversions)",
    "incremental_value": "sum(incremental_value)",
    "conversions_without_ads": "sum(conversions_without_ads)",
    "experiment_spend": "sum(spend)",
    "incremental_lift": "sum(incremental_conversions) / sum(conversions_without_ads)",
    "incremental_roas": "sum(incremental_value) / sum(spend)::DOUBLE",
}
HELPERS = {"spend_per_mille": "1000 * spend", "rendered_ads": "impressions + invalid_impressions"}
# What a ratio metric's input is in the macro.
IN_THE_MACRO = {"spend_per_mille": "1000 * spend", "rendered_ads": HELPERS["rendered_ads"]}
AS_DOUBLE = 'cast(spend as " ~ type_double() ~ ")'
Rows = dict[tuple[Any, ...], dict[str, Any]]


class DuckDbDialect:
    """What MetricFlow has to know to write SQL for DuckDB; the test runs it itself."""

    def __init__(self) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        self.sql_engine_type = SqlEngine.DUCKDB
        self.sql_plan_renderer = DuckDbSqlPlanRenderer()


class Layer:
    """The semantic layer of a built database."""

    def __init__(self, database: Path) -> None:
        from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import dbtArtifacts
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        self.target = database.parent / "target"
        semantic = dbtArtifacts.build_semantic_manifest_from_dbt_project_root(database.parent)
        self.engine = MetricFlowEngine(SemanticManifestLookup(semantic), DuckDbDialect())
        self.database = database
        self.metrics = {metric.name: metric for metric in semantic.metrics}
        self.saved_queries = [query.name for query in semantic.saved_queries]

    def query(self, metrics: list[str], group_by: list[str]) -> Rows:
        """Metrics by the values of what they are grouped by."""
        return self.rows(self.sql(metric_names=metrics, group_by_names=group_by), len(group_by))

    def sql(self, **request: Any) -> str:
        """What MetricFlow asks the database on a request."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        created = MetricFlowQueryRequest.create(**request)
        return str(self.engine.explain(created).sql_statement.sql)

    def rows(self, sql: str, keys: int) -> Rows:
        """The rows of a query by their first `keys` columns; dates as dates."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()][keys:]
            fetched = cursor.fetchall()
        return {
            tuple(value.date() if hasattr(value, "date") else value for value in row[:keys]): dict(
                zip(names, row[keys:], strict=True)
            )
            for row in fetched
        }


@pytest.fixture(scope="module")
def layer(built_database: Path) -> Layer:
    return Layer(built_database)


def formulas(layer: Layer) -> dict[str, tuple[str, str]]:
    """Numerator and denominator of every derived metric, as the macro has them."""
    manifest = json.loads((layer.target / "manifest.json").read_text())
    sql = manifest["macros"]["macro.streaming_ads.metric_formulas"]["macro_sql"]
    return {
        name: (numerator.replace(AS_DOUBLE, "spend").strip('"'), denominator.strip('"()'))
        for name, numerator, denominator in re.findall(r'"(\w+)": \((.+), (".+?")\),', sql)
    }


def assert_same(actual: Rows, expected: Rows) -> None:
    assert actual.keys() == expected.keys()
    for key, row in expected.items():
        for name, value in row.items():
            other = actual[key][name]
            assert (other is None) == (value is None), (key, name)
            assert value is None or math.isclose(float(other), float(value), rel_tol=1e-12), (
                key,
                name,
                other,
                value,
            )


def test_there_is_a_metric_for_every_additive_column_and_every_ratio(layer: Layer) -> None:
    described = {
        name: row["column_type"] for (name,), row in layer.rows(f"DESCRIBE {DAILY}", 1).items()
    }
    columns = [
        name
        for name, kind in described.items()
        if kind.startswith(("BIGINT", "DOUBLE", "DECIMAL")) and not name.endswith("_id")
    ]
    assert {name for name in columns if name not in layer.metrics} == set()
    assert set(layer.metrics) > OF_CONVERSIONS
    assert len(layer.metrics) == (
        len(columns)
        + len(HELPERS)
        + len(OF_CONVERSIONS)
        + len(OF_LOCAL_DAYS)
        + len(OF_THE_LOG)
        + len(OF_EXPERIMENTS)
        + 2
    )


def test_the_ratios_are_those_of_the_macro(layer: Layer) -> None:
    """What MetricFlow divides is what the macro divides."""
    ratios = {
        name: metric.type_params
        for name, metric in layer.metrics.items()
        if metric.type.value == "ratio"
        and name not in {*OF_CONVERSIONS, *OF_THE_LOG, *OF_EXPERIMENTS}
    }
    stated = {
        name: tuple(
            IN_THE_MACRO.get(part.name, part.name) for part in (about.numerator, about.denominator)
        )
        for name, about in ratios.items()
    }
    assert stated == formulas(layer)


def test_every_metric_by_campaign_and_day_is_the_marts(layer: Layer) -> None:
    names = [
        name
        for name, metric in layer.metrics.items()
        if metric.type.value != "cumulative"
        and name not in {*OF_CONVERSIONS, *OF_LOCAL_DAYS, *OF_THE_LOG, *OF_EXPERIMENTS}
    ]
    columns = ", ".join(f"{HELPERS[name]} AS {name}" if name in HELPERS else name for name in names)
    expected = layer.rows(f"SELECT activity_date, campaign_id, {columns} FROM {DAILY}", 2)
    assert_same(layer.query(names, ["metric_time__day", "campaign"]), expected)


def test_days_of_advertisers_are_those_of_the_local_mart(layer: Layer) -> None:
    columns = ", ".join(f"{column} AS {name}" for name, column in OF_LOCAL_DAYS.items())
    expected = layer.rows(f"SELECT local_date, campaign_id, {columns} FROM {LOCAL_DAYS}", 2)
    assert_same(layer.query([*OF_LOCAL_DAYS], ["metric_time__day", "campaign"]), expected)
    zones = f"SELECT time_zone, sum(spend) AS local_spend FROM {LOCAL_DAYS} GROUP BY time_zone"
    assert_same(layer.query(["local_spend"], ["local_day__time_zone"]), layer.rows(zones, 1))


@pytest.mark.parametrize(
    ("group_by", "columns"),
    [(["campaign"], "campaign_id"), (["metric_time__month", "household_day__platform"], "1, 2")],
)
def test_a_household_of_the_log_counts_once_in_whatever_is_asked_for(
    layer: Layer, group_by: list[str], columns: str
) -> None:
    measured = ", ".join(f"{formula} AS {name}" for name, formula in OF_THE_LOG.items())
    keys = "date_trunc('month', activity_date), platform" if "," in columns else columns
    expected = layer.rows(
        f"SELECT {keys}, {measured} FROM marts.fct_household_frequency_daily GROUP BY {columns}",
        len(group_by),
    )
    assert len(expected) > 3
    assert_same(layer.query([*OF_THE_LOG], group_by), expected)


@pytest.mark.parametrize("group_by", [["campaign"], ["metric_time__month", "campaign__objective"]])
def test_experiments_are_what_the_last_method_finds(
    layer: Layer, tmp_path: Path, group_by: list[str]
) -> None:
    """Three experiments, which the built data do not have, with two methods each."""
    file = tmp_path / "ads.duckdb"
    shutil.copy(layer.database, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            insert into marts.fct_experiment_lift by name
            select number as experiment_id, number as campaign_id, 'VISIT' as conversion_type,
                unnest(['NAIVE', 'CUPED']) as lift_method,
                date '2025-10-01' + 20 * number::integer as started_on, 10 * number as spend,
                unnest([900, 7 * number]) as incremental_conversions,
                unnest([900, 30 * number]) as incremental_value,
                unnest([9, 50 + number]) as conversions_without_ads
            from range(1, 4) as numbers(number)"""
        )
    planted = copy.copy(layer)
    planted.database = file
    measured = ", ".join(f"{formula} AS {name}" for name, formula in OF_EXPERIMENTS.items())
    keys = {
        "campaign": "campaign_id",
        "metric_time__month": "date_trunc('month', started_on)",
        "campaign__objective": "objective",
    }
    expected = planted.rows(
        f"""SELECT {", ".join(keys[name] for name in group_by)}, {measured}
            FROM marts.fct_experiment_lift JOIN marts.dim_campaigns USING (campaign_id)
            WHERE lift_method = 'CUPED' GROUP BY ALL""",
        len(group_by),
    )
    assert len(expected) >= 2
    assert_same(planted.query([*OF_EXPERIMENTS], group_by), expected)


def test_every_ratio_by_objective_and_week_is_a_ratio_of_sums(layer: Layer) -> None:
    ratios = formulas(layer)
    columns = ", ".join(
        f"sum({numerator})::DOUBLE / nullif(sum({denominator}), 0) AS {name}"
        for name, (numerator, denominator) in ratios.items()
    )
    expected = layer.rows(
        f"""SELECT week_start_date, objective, {columns}
            FROM {DAILY} JOIN marts.dim_campaigns USING (campaign_id) GROUP BY ALL""",
        2,
    )
    assert len(expected) > 20
    assert_same(layer.query(list(ratios), ["metric_time__week", "campaign__objective"]), expected)


@pytest.mark.parametrize(
    ("group_by", "columns"),
    [
        (["metric_time__month", "campaign__objective"], "month_start_date, objective"),
        (["campaign", "conversion_row__device"], "campaign_id, device"),
    ],
)
def test_conversions_are_those_of_the_mart_divided_again(
    layer: Layer, group_by: list[str], columns: str
) -> None:
    sums = ", ".join(
        f"sum({TRACKED.get(name, name)}) AS {name}"
        for name in sorted(OF_CONVERSIONS - set(RATIOS_OF_CONVERSIONS))
    )
    ratios = ", ".join(
        f"sum({metric.numerator})::DOUBLE / nullif(sum({metric.denominator}), 0) AS {metric.name}"
        for metric in CONVERSION_METRICS
    )
    expected = layer.rows(
        f"""SELECT {columns}, {sums}, {ratios}
            FROM {CONVERSIONS} JOIN marts.dim_campaigns USING (campaign_id) GROUP BY ALL""",
        2,
    )
    assert len(expected) > 5
    assert_same(layer.query(sorted(OF_CONVERSIONS), group_by), expected)


@pytest.mark.parametrize(
    ("metric", "since"), [("cumulative_spend", ""), ("spend_month_to_date", "month_start_date")]
)
def test_cumulative_spend_is_a_running_sum(layer: Layer, metric: str, since: str) -> None:
    partition = f"PARTITION BY {since}" if since else ""
    expected = layer.rows(
        f"""WITH days AS (
                SELECT activity_date, month_start_date, sum(spend) AS spend FROM {DAILY}
                GROUP BY activity_date, month_start_date
            )
            SELECT activity_date, sum(spend) OVER ({partition} ORDER BY activity_date) AS {metric}
            FROM days""",
        1,
    )
    days = layer.query([metric], ["metric_time__day"])
    assert_same({key: row for key, row in days.items() if key in expected}, expected)


def test_dimensions_of_delivery_and_its_entities_can_be_combined(layer: Layer) -> None:
    groups = ["delivery_row__device", "creative__duration_seconds", "advertiser__industry"]
    rows = layer.query(["impressions"], groups)
    total = layer.rows(f"SELECT sum(impressions) AS impressions FROM {DAILY}", 0)[()]
    assert sum(row["impressions"] for row in rows.values()) == total["impressions"]
    assert len(rows) > 10


def test_every_saved_query_runs(layer: Layer) -> None:
    assert len(layer.saved_queries) == 3
    for name in layer.saved_queries:
        assert layer.rows(layer.sql(saved_query_name=name), 2)


def test_mf_query_answers_in_the_terminal(built_database: Path, tmp_path: Path) -> None:
    """The command of the documentation, in a folder that is linked to the project; on a copy, since
    it opens the file as one who may write."""
    link_project(tmp_path)
    shutil.copy(built_database, tmp_path / "ads.duckdb")
    shutil.copytree(built_database.parent / "target", tmp_path / "target")
    command = ["query", "--metrics", "ctr,video_completion_rate"]
    command += ["--group-by", "campaign__objective,metric_time__week", "--csv", "answer.csv"]
    result = subprocess.run(
        [str(Path(sys.executable).with_name("mf")), *command],
        cwd=tmp_path,
        env={**os.environ, "ADS_DATABASE": "ads.duckdb"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    header, *lines = (tmp_path / "answer.csv").read_text().splitlines()
    assert header == "metric_time__week,campaign__objective,ctr,video_completion_rate"
    assert len(lines) > 20
