"""How a run is carried out: which campaigns are made where, and in which order their rows are
handed to the sink. Every engine gives the same rows."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Any


class EngineName(StrEnum):
    """The engines, each in the module of its name: processes of this machine, or tasks on Spark."""

    LOCAL = "local"
    SPARK = "spark"


def engine(name: str) -> Any:
    """Return the function `run` of an engine: world, sink, jobs, tables and progress in, the total
    of each table out."""
    return import_module(f"generator.engines.{EngineName(name)}").run
