"""dbt projects: made, built, and the files of them that are derived."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from generator.cli import dbt_project, results
from generator.cli.commands.files import write_files
from generator.cli.commands.inputs import database_path, library_of
from generator.cli.dbt import build_models
from generator.cli.progress import progress
from generator.cli.settings import Settings
from generator.outputs import has_first_line_of
from generator.platform.dbt_seeds import HASHES, hashes_of, is_hashes, seeds
from generator.scenario.errors import bad_input
from generator.scenario.kinds import TemplateKind
from generator.schema import TABLES
from generator.schema.dbt_delivery import BlockError, delivery_files
from generator.schema.dbt_sources import docs_markdown, source_files
from generator.sinks.summary import contents


def init(folder: Path) -> results.Project:
    """Write a project of the user's own."""
    files = dbt_project.write_project(folder)
    return results.Project(folder=str(folder), files=len(files))


def build(settings: Settings, select: Sequence[str], run_tests: bool) -> results.Built:
    """Build the dbt models on the database, and test them."""
    file = database_path(settings)
    held = contents(file)
    with progress() as bar:
        task = bar.add_task("dbt build", total=None, unit="nodes")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        summary = build_models(file, select, run_tests, show)
    return results.Built(
        database=str(file),
        models=summary.models,
        tests=summary.tests,
        seconds=round(summary.seconds, 1),
        campaigns=len(held.campaigns),
        performance_rows=held.rows_of("raw.performance_hourly"),
        first_hour=held.first_hour,
        last_hour=held.last_hour,
    )


def dbt_sources(folder: Path) -> results.Written:
    """Write into a dbt project what the schema says of raw tables and delivery columns."""
    staging = "models/staging"
    files = {f"{staging}/{name}": text for name, text in source_files(TABLES).items()}
    files[f"{staging}/ads/_ads__docs.md"] = docs_markdown(TABLES)
    try:
        return write_files(
            files | delivery_files(folder),
            folder,
            lambda _name, text, held: has_first_line_of(text)(held),
        )
    except BlockError as error:
        raise bad_input(str(error)) from None


def dbt_seeds(settings: Settings, folder: Path) -> results.Written:
    """Write what dbt has to know of every platform that there is a template of."""
    library = library_of(settings)
    platforms = [library.platform(name) for name in library.names(TemplateKind.PLATFORMS)]
    texts = seeds(platforms)
    hashes = folder / HASHES
    earlier = hashes.read_text(errors="replace").splitlines() if hashes.is_file() else []

    def is_own(name: str, text: str, held: str) -> bool:
        if name == HASHES:
            return is_hashes(held)
        return held == text or hashes_of({name: held}).strip() in earlier

    return write_files(texts | {HASHES: hashes_of(texts)}, folder, is_own)
