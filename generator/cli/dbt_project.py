"""The dbt project that comes with the generator: where it is, how it is built, and how a copy of it
becomes a project of the user's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from generator.pipeline.run import EngineError
from generator.scenario.errors import bad_input
from generator.scenario.templates import BUNDLED

PROJECT_FILE = "dbt_project.yml"
PACKAGE = Path(__file__).resolve().parent.parent
_NAME = "name: streaming_ads\n"
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
        if file.is_file() and _NAME in file.read_text(encoding="utf-8"):
            return folder
    raise EngineError("the dbt project is missing from this installation; install it again")


def write_project(folder: Path) -> list[Path]:
    """Write a project of the user's own into a new or empty folder: the dbt project, its profile
    and a scenario. Return the files. Raises InputError for a folder that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise bad_input("is not an empty folder; name a new one", str(folder))
    source = project_folder()
    profiles = source / "profiles" / "profiles.yml"
    try:
        shutil.copytree(source / "dbt_project", folder / "dbt_project")
        shutil.copy(source / PROJECT_FILE, folder)
        shutil.copy(profiles if profiles.exists() else source / "profiles.yml", folder)
        (folder / "scenarios").mkdir()
        shutil.copy(
            BUNDLED / "examples" / "luxury_auto_awareness.yml",
            folder / "scenarios" / "my_campaign.yml",
        )
        (folder / "data").mkdir()
        (folder / "README.md").write_text(_README, encoding="utf-8")
        (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{folder}: cannot be written: {error.strerror}") from error
    return sorted(file for file in folder.rglob("*") if file.is_file())
