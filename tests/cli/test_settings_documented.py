"""The table of settings in docs/databases.md is the list of settings in the code."""

from __future__ import annotations

import re

from typer.main import get_command

from generator.cli.app import app
from generator.cli.program import ENVIRONMENT
from generator.cli.settings import Settings
from tests.support.project import ROOT


def table() -> list[list[str]]:
    """The cells of the rows of the table."""
    section = (ROOT / "docs/databases.md").read_text().partition("## Settings")[2]
    rows = section.partition("|---")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_setting_has_a_row_with_its_variable_and_key() -> None:
    documented = {key.strip("`"): variable.strip("`") for _, variable, key, _ in table()}
    assert documented == ENVIRONMENT
    assert set(ENVIRONMENT) == set(Settings.model_fields)


def test_every_variable_has_the_prefix_of_the_project() -> None:
    assert all(variable == f"ADS_{name.upper()}" for name, variable in ENVIRONMENT.items())


def test_every_option_of_the_table_exists() -> None:
    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    known = {name for command in commands for option in command.params for name in option.opts}
    for options, *_ in table():
        assert set(re.findall(r"`(--[\w-]+)`", options)) <= known


def test_every_default_of_the_table_is_the_default() -> None:
    for _, _, key, default in table():
        value = Settings.model_fields[key.strip("`")].default
        assert default == (f"`{value}`" if value is not None else default.replace("`", ""))
