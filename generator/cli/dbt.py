"""dbt on the database of the settings: which command builds it, and running that command.

dbt reads the same environment variables as the generator, but neither `ads.yml` nor an option.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

from generator.cli.settings import Settings
from generator.extras import packages_of
from generator.scenario.errors import bad_input
from generator.sinks.target import scheme_and_place, shown

_DEFAULT = Settings().database
# dbt of this environment, which need not be on the path.
_DBT = "from dbt.cli.main import cli; cli(prog_name='dbt')"


@dataclass(frozen=True)
class DbtTarget:
    """A target of profiles.yml, and the variables that point it at a database."""

    name: str
    variables: Mapping[str, str]

    def command(self) -> str:
        """Return the command for a shell that builds it."""
        words = [
            f"{name}={shlex.quote(value)}"
            for name, value in self.variables.items()
            if (os.environ.get(name) or (_DEFAULT if name == "ADS_DATABASE" else "")) != value
        ]
        target = [] if self.name == "dev" else ["--target", self.name]
        return " ".join([*words, "dbt", "build", *target])


def dbt_target(database: str) -> DbtTarget | None:
    """Return the dbt target that builds a database, or None for CSV, which dbt does not read."""
    scheme, place = scheme_and_place(database)
    if scheme == "duckdb":
        return DbtTarget("dev", {"ADS_DATABASE": place})
    if scheme == "parquet":
        return DbtTarget("parquet", {"ADS_PARQUET": place})
    return DbtTarget("postgres", {}) if scheme == "postgresql" else None


def next_command(database: str) -> str | None:
    """Return the command that builds the models on a database, where there is a dbt project."""
    target = dbt_target(database) if os.path.isfile("dbt_project.yml") else None
    return target.command() if target else None


def run_dbt(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become dbt, on the database of the settings. Raises InputError and MissingExtraError."""
    target = dbt_target(settings.database)
    if target is None:
        raise bad_input(f"{shown(settings.database)}: dbt cannot build on CSV files")
    with packages_of("dbt", "this command"):
        import_module("dbt.version")
    environment = {
        name: value for name, value in os.environ.items() if name != "ADS_DATABASE"
    } | dict(target.variables)
    if target.name != "dev":
        environment["DBT_TARGET"] = target.name
    # A connection is where the PG… variables say: dbt has no setting for a whole address.
    os.execve(sys.executable, [sys.executable, "-c", _DBT, *arguments], environment)
