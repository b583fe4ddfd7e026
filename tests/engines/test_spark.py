"""Spark makes what one process makes, however it cuts the work, on threads and on executors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from generator.engines import local, spark
from generator.extras import MissingExtraError
from generator.scenario.templates import Dataset, dataset
from generator.world.build import build_world
from tests.engines.basket import Basket
from tests.support.project import ROOT

pytestmark = pytest.mark.spark

SCRIPT = """
import json, sys
from generator.engines import spark
from generator.scenario.templates import dataset
from generator.world.build import build_world
from tests.engines.basket import Basket

def run(data, tasks):
    basket = Basket(5_000)
    landed = spark.run(build_world(data), basket, jobs=tasks)
    assert len(basket.parts) > 3
    return [[totals.table.table_name, totals.rows, totals.fingerprint] for totals in landed]

tasks = list(map(int, sys.argv[1:]))
made = {number: run(dataset("complete"), number) for number in tasks}
made["whole log"] = run(dataset("smoke").with_log(1.0), tasks[0])
print(json.dumps(made))
"""


def on_spark(master: str, *tasks: int) -> dict[str, list[list[object]]]:
    """What `complete` comes to on a new Spark, by the number of tasks, and `smoke` with its whole
    log."""
    settings = f"--master {master} --conf spark.ui.enabled=false --driver-memory 512m pyspark-shell"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, *map(str, tasks)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYSPARK_SUBMIT_ARGS": settings,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, list[list[object]]] = json.loads(result.stdout.splitlines()[-1])
    return found


def of_one_process(data: Dataset) -> list[list[object]]:
    landed = local.run(build_world(data), Basket(10**9))
    return [[totals.table.table_name, totals.rows, totals.fingerprint] for totals in landed]


@pytest.fixture(scope="module")
def complete() -> list[list[object]]:
    """`complete`, which has a panel."""
    return of_one_process(dataset("complete"))


@pytest.fixture(scope="module")
def whole_log() -> list[list[object]]:
    found = of_one_process(dataset("smoke").with_log(1.0))
    assert ["ad_impressions", 115_383] in [row[:2] for row in found]
    return found


def test_three_and_eight_tasks_on_threads_make_the_same(complete, whole_log) -> None:
    made = on_spark("local[2]", 3, 8)
    assert made == {"3": complete, "8": complete, "whole log": whole_log}


def test_two_executors_make_the_same(complete, whole_log) -> None:
    """Executors are processes that know nothing of this folder: the generator is sent to them."""
    assert on_spark("local-cluster[2,1,1024]", 3) == {"3": complete, "whole log": whole_log}


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "streaming-ads[spark]"')):
        spark.run(build_world(dataset("smoke")), Basket(10**9))
