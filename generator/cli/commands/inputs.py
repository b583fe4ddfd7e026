"""What options name: templates, a dataset with changes, a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from generator.cli.settings import Settings
from generator.scenario import overrides
from generator.scenario.templates import Dataset, Library, faults_of
from generator.sinks.target import database_file


def library_of(settings: Settings) -> Library:
    """Return the templates: the bundled ones, and those of the folder that the settings name."""
    return Library(Path(settings.templates)) if settings.templates else Library()


def database_path(settings: Settings) -> Path:
    """Return the DuckDB file of the settings. Raises DestinationError, and FileNotFoundError for a
    path in a current folder that no longer exists."""
    file = database_file(settings.database)
    if not file.is_absolute():
        Path.cwd()
    return file


def dataset_of(
    settings: Settings,
    workflow: str,
    changes: Sequence[overrides.Override],
    faults: Path | None,
    log: float | None,
) -> Dataset:
    """Return the dataset of a workflow with what options change of it: its keys, seed and as-of
    day, the faults of a file, and the share of the households in its log. Raises InputError."""
    data = library_of(settings).dataset(workflow, changes)
    if settings.seed is not None:
        data = data.with_seed(settings.seed)
    if settings.as_of is not None:
        data = data.with_as_of(settings.as_of)
    if faults is not None:
        data = data.with_faults(faults_of(faults))
    return data if log is None else data.with_log(log)


def parse_overrides(sets: Sequence[str]) -> list[overrides.Override]:
    """Return what the options --set change. Raises InputError for one without KEY=VALUE."""
    return [overrides.parse_override(change) for change in sets]
