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
from generator.scenario.templates import dataset
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

made = {}
for tasks in map(int, sys.argv[1:]):
    basket = Basket(5_000)
    landed = spark.run(build_world(dataset("complete")), basket, jobs=tasks)
    made[tasks] = [[totals.table.table_name, totals.rows, totals.fingerprint] for totals in landed]
    assert len(basket.parts) > 5
print(json.dumps(made))
"""


def on_spark(master: str, *tasks: int) -> dict[str, list[list[object]]]:
    """What `complete` comes to on a new Spark, by the number of tasks."""
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


@pytest.fixture(scope="module")
def of_one_process() -> list[list[object]]:
    landed = local.run(build_world(dataset("complete")), Basket(10**9))
    return [[totals.table.table_name, totals.rows, totals.fingerprint] for totals in landed]


def test_three_and_eight_tasks_on_threads_make_the_same(of_one_process) -> None:
    assert on_spark("local[2]", 3, 8) == {"3": of_one_process, "8": of_one_process}


def test_two_executors_make_the_same(of_one_process) -> None:
    """Executors are processes that know nothing of this folder: the generator is sent to them."""
    assert on_spark("local-cluster[2,1,1024]", 3) == {"3": of_one_process}


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "streaming-ads[spark]"')):
        spark.run(build_world(dataset("smoke")), Basket(10**9))
