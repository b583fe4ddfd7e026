"""`build` and `init`: the dbt project that comes with the generator, built and copied."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from generator.cli.dbt_project import project_folder
from generator.scenario.templates import Library
from tests.support.project import ROOT, Answer, generate, link_project, parsed

LINES_OF_A_BUILD = 6


@pytest.fixture
def project(tmp_path: Path, complete_database: Path) -> Path:
    """A folder with the project, parsed, and a database with `complete`."""
    link_project(tmp_path)
    (tmp_path / "target").mkdir()
    shutil.copy(parsed("--target", "dev", ADS_DATABASE="ads.duckdb"), tmp_path / "target")
    shutil.copy(complete_database, tmp_path / "ads.duckdb")
    return tmp_path


def test_make_build_fits_into_40_lines(run: Callable[..., Answer], cwd: Path) -> None:
    """Before the build and its data it says what it installs, and at last how to activate it."""
    answer = run("generate", "showcase", "--to", "ads.duckdb")
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) + LINES_OF_A_BUILD + 2 <= 40


def test_build_builds_what_is_selected_and_says_what_to_try_next(project: Path) -> None:
    answer = generate(
        "build", "--select", "+dim_campaigns", "--database", "ads.duckdb", cwd=project
    )
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) <= LINES_OF_A_BUILD
    assert lines[0].startswith("ads.duckdb: 7 campaigns, 37,032 hourly rows, 2025-")
    assert "tests passed" in lines[1]
    assert any("status --database ads.duckdb " in line for line in lines)
    shown = subprocess.run(
        shlex.split(lines[-1]), cwd=project, capture_output=True, text=True, check=True
    )
    assert "campaign_id" in shown.stdout
    assert (project / "logs" / "dbt.log").exists()
    with duckdb.connect(project / "ads.duckdb", read_only=True) as connection:
        assert connection.execute("FROM marts.dim_campaigns").fetchall()


def test_a_test_that_fails_is_named_and_the_exit_code_is_1(project: Path) -> None:
    with duckdb.connect(project / "ads.duckdb") as connection:
        connection.execute("UPDATE raw.campaigns SET created_at = '1999-01-01'")
        connection.execute("ALTER TABLE raw.campaigns RENAME COLUMN objective TO aim")
    answer = generate(
        "build", "--select", "stg_ads__campaigns", "--database", "ads.duckdb", cwd=project
    )
    assert answer.returncode == 1
    assert "dbt build failed" in answer.stderr
    assert "stg_ads__campaigns" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_checkout_holds_the_project() -> None:
    assert project_folder() == ROOT


def test_init_writes_a_project_that_is_ready(run: Callable[..., Answer], cwd: Path) -> None:
    answer = run("init", "mine", "--json")
    assert answer.code == 0
    assert answer.json["folder"] == "mine"
    mine = cwd / "mine"
    for name in ("dbt_project.yml", "profiles.yml", "README.md", "scenarios/my_campaign.yml"):
        assert (mine / name).is_file()
    committed = {f.relative_to(ROOT) for f in (ROOT / "dbt_project").rglob("*") if f.is_file()}
    assert {f.relative_to(mine) for f in (mine / "dbt_project").rglob("*") if f.is_file()} == (
        committed
    )
    scenario = Library().dataset(str(mine / "scenarios" / "my_campaign.yml"))
    assert len(scenario.scenarios) == 1


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "dbt_project.yml"])
def test_init_writes_into_no_folder_that_holds_something(
    run: Callable[..., Answer], cwd: Path, name: str
) -> None:
    (cwd / "mine").mkdir()
    (cwd / "mine" / name).write_text("mine")
    answer = run("init", "mine")
    assert answer.code == 2
    assert "is not an empty folder" in answer.err
    assert [file.name for file in (cwd / "mine").iterdir()] == [name]
    assert (cwd / "mine" / name).read_text() == "mine"


@pytest.fixture
def own_project(run: Callable[..., Answer], cwd: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that `init` made, which is the current folder and so the source of the next."""
    assert run("init", "mine").code == 0
    monkeypatch.chdir(cwd / "mine")
    return cwd / "mine"


@pytest.mark.parametrize("name", ["dbt_project/models/sub", "dbt_project/new/sub", "link/sub"])
def test_init_writes_no_project_into_the_one_it_copies(
    run: Callable[..., Answer], own_project: Path, name: str
) -> None:
    (own_project / "link").symlink_to("dbt_project/models")
    before = sorted(own_project.rglob("*"))
    answer = run("init", name)
    assert answer.code == 2
    assert "which is copied; name another folder" in answer.err
    assert sorted(own_project.rglob("*")) == before


def test_init_can_copy_a_project_into_a_folder_beside_its_models(
    run: Callable[..., Answer], own_project: Path
) -> None:
    assert run("init", "scenarios/copy").code == 0
    copy = own_project / "scenarios" / "copy" / "dbt_project"
    assert {file.relative_to(copy) for file in copy.rglob("*")} == {
        file.relative_to(own_project / "dbt_project")
        for file in (own_project / "dbt_project").rglob("*")
        if file.is_file() or any(file.iterdir())
    }


@pytest.mark.parametrize("kind", ["dangling link", "pipe", "link to a folder"])
@pytest.mark.parametrize("folder", ["new", "a/new", "empty"])
def test_init_that_fails_says_why_and_leaves_nothing(
    run: Callable[..., Answer], own_project: Path, kind: str, folder: str
) -> None:
    (own_project / "empty").mkdir()
    bad = own_project / "dbt_project" / "models" / "bad.sql"
    if kind == "pipe":
        os.mkfifo(bad)
    else:
        bad.symlink_to("missing" if kind == "dangling link" else own_project)
    answer = run("init", folder)
    assert answer.code == 1
    assert f"{bad}: is not a file that can be copied; remove it" in answer.err
    bad.unlink()
    assert not (own_project / "a").exists()
    assert run("init", folder).code == 0


def test_init_on_a_full_disk_says_so_and_leaves_nothing(
    run: Callable[..., Answer], cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(shutil, "copy", full)
        answer = run("init", "mine")
    assert answer.code == 1
    assert "No space left on device" in answer.err
    assert run("init", "mine").code == 0


@pytest.mark.parametrize("content", [b"name: somebody_elses\n", b"name: caf\xe9\n", b"\xff\xfe\0"])
def test_another_project_in_the_current_folder_is_not_built(cwd: Path, content: bytes) -> None:
    (cwd / "dbt_project.yml").write_bytes(content)
    assert project_folder() == ROOT


def test_the_answer_can_be_read_by_a_program(project: Path) -> None:
    answer = generate(
        "build", "--select", "dim_dates", "--no-tests", "--database", "ads.duckdb", "--json",
        cwd=project,
    )  # fmt: skip
    assert answer.returncode == 1  # its parents are not built
    answer = generate(
        "build", "--select", "stg_ads__flights", "--no-tests", "--database", "ads.duckdb",
        "--json", cwd=project,
    )  # fmt: skip
    assert json.loads(answer.stdout)["models"] == 1
    assert json.loads(answer.stdout)["tests"] == 0
