"""The dbt project that comes with the generator: where it is, how it is built, and how a copy of it
becomes a project of the user's own."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from generator.pipeline.errors import EngineError
from generator.scenario.errors import bad_input
from generator.scenario.templates import BUNDLED

PROJECT_FILE = "dbt_project.yml"
PACKAGE = Path(__file__).resolve().parent.parent
_NAME = b"name: streaming_ads\n"
_README = """# Your streaming-ads project

The dbt project of streaming-ads, to change as you like, and a scenario to start from.

    streaming-ads generate scenarios/my_campaign.yml   # data/ads.duckdb, schema raw
    dbt build                                          # staging, marts and tests
    streaming-ads report                               # data/report.html

`scenarios/my_campaign.yml` is the campaign that is generated: change its dates, budget, targeting.
`dbt_project/models` are the models; `dbt docs generate` describes every table, column and metric.
"""
_IGNORED = "data/*\ntarget/\nlogs/\n"


def project_folder() -> Path:
    """Return the folder of the dbt project: the current one if it holds the project (as a checkout
    and a folder made by `init` do), else the copy that was installed with the generator."""
    for folder in (Path.cwd(), PACKAGE.parent, PACKAGE / "project"):
        file = folder / PROJECT_FILE
        if file.is_file() and _NAME in file.read_bytes().replace(b"\r\n", b"\n"):
            return folder
    raise EngineError("the dbt project is missing from this installation; install it again")


def write_project(folder: Path) -> list[Path]:
    """Write a project of the user's own into a new or empty folder: the dbt project, its profile
    and a scenario. Return the files.

    Raises InputError for a folder that holds something or is inside the dbt project that is copied,
    and EngineError for what cannot be read or written. Nothing stays of a project in parts.
    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise bad_input("is not an empty folder; name a new one", str(folder))
    source = project_folder()
    models = source / "dbt_project"
    if folder.resolve().is_relative_to(models.resolve()):
        raise bad_input(f"is inside {models}, which is copied; name another folder", str(folder))
    parents = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        _write(source, folder)
    except BaseException as error:
        with suppress(OSError):
            for made in parents[-1:] or [*folder.iterdir()]:
                shutil.rmtree(made) if made.is_dir() else made.unlink()
        if isinstance(error, OSError):
            raise EngineError(f"{folder}: cannot be written: {error.strerror}") from error
        raise
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _write(source: Path, folder: Path) -> None:
    profiles = source / "profiles" / "profiles.yml"
    _copy_tree(source / "dbt_project", folder / "dbt_project")
    _copy(source / PROJECT_FILE, folder / PROJECT_FILE)
    _copy(profiles if profiles.exists() else source / "profiles.yml", folder / "profiles.yml")
    (folder / "scenarios").mkdir()
    example = BUNDLED / "examples" / "luxury_auto_awareness.yml"
    _copy(example, folder / "scenarios" / "my_campaign.yml")
    (folder / "data").mkdir()
    (folder / "README.md").write_text(_README, encoding="utf-8")
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")


def _copy_tree(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        # A link to a folder could lead back to the copy, so it is not followed.
        if file.is_symlink() or not file.is_dir():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(file, place)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise EngineError(f"{source}: is not a file that can be copied; remove it")
    try:
        shutil.copy(source, target)
    except OSError as error:
        raise EngineError(f"{source}: cannot be copied to {target}: {error.strerror}") from error
