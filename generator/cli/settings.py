"""The settings of every command. Options come first, then environment variables, then the file
`ads.yml` in the current folder, then defaults. docs/databases.md lists them."""

from __future__ import annotations

import os
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from generator import clock
from generator.cli.program import ENVIRONMENT
from generator.engines import EngineName
from generator.masking import mask
from generator.scenario.errors import InputError, bad_input, nearest
from generator.scenario.validation import model_of
from generator.scenario.values import Day, Seed
from generator.scenario.yaml_file import Document, Mark, read, value_of
from generator.schema.text_types import Text

FILE = Path("ads.yml")
# A word for the current day in UTC, so that the data ends yesterday.
TODAY = "today"


class LogLevel(StrEnum):
    """How much is logged on stderr beside the result."""

    ERROR = "ERROR"
    WARNING = "WARNING"
    INFO = "INFO"
    DEBUG = "DEBUG"


# Other names of the levels that people and their tools use.
_LEVELS = {
    "WARN": "WARNING",
    "CRITICAL": "ERROR",
    "FATAL": "ERROR",
    "NOTICE": "INFO",
    "TRACE": "DEBUG",
}


def _level(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name = value.strip().upper()
    return _LEVELS.get(name, name)


def _day(value: Any) -> Any:
    return clock.today() if value == TODAY else value


class Settings(BaseModel):
    """What `ads.yml` may hold. A seed or day that is not set is that of the workflow; jobs that are
    not set are one per core, or one Spark task per part of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Text = "data/ads.duckdb"
    seed: Seed | None = None
    as_of: Annotated[Day | None, BeforeValidator(_day)] = None
    templates: Text | None = None
    jobs: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    engine: EngineName = EngineName.LOCAL
    log_level: Annotated[LogLevel, BeforeValidator(_level)] = LogLevel.WARNING


class Setting(BaseModel):
    """One setting, its value, and where that was set."""

    name: str
    value: str | int | date | None
    source: str
    environment: str


def load_settings(**options: Any) -> Settings:
    """Return the settings of options, environment, `ads.yml` and defaults. Raises InputError."""
    found, _ = _resolve(options)
    return found


def effective_settings(**options: Any) -> list[Setting]:
    """Return every setting and where it is set; a password in an address is masked."""
    found, sources = _resolve(options)
    shown = found.model_copy(update={"database": mask(found.database)})
    return [
        Setting(name=name, value=getattr(shown, name), source=sources[name], environment=variable)
        for name, variable in ENVIRONMENT.items()
    ]


def _resolve(options: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    # An unreadable folder counts as having no settings; the later write reports the error.
    document = read(FILE) if os.path.lexists(FILE) else Document({}, {})
    data = {name: value for name, value in document.data.items() if value is not None}
    marks = dict(document.marks)
    unknown = set(document.data) - set(Settings.model_fields)
    for name in unknown:
        raise bad_input(f"unknown key{nearest(name, set(ENVIRONMENT))}", document.where((name,)))
    sources = {name: str(FILE) if name in data else "default" for name in ENVIRONMENT}
    for name, variable in ENVIRONMENT.items():
        text = os.environ.get(variable)
        if text:
            data[name] = _value(name, text, variable)
            marks[name,] = Mark(f"environment {variable}")
            sources[name] = f"environment {variable}"
        if (value := options.get(name)) is not None:
            data[name] = value
            marks[name,] = Mark("--" + name.replace("_", "-"))
            sources[name] = "option"
    return model_of(Document(data, marks), Settings), sources


def _value(name: str, text: str, variable: str) -> Any:
    if name in ("seed", "as_of", "jobs"):
        try:
            return value_of(text, Mark(f"environment {variable}"))
        except InputError:
            return text
    return text
