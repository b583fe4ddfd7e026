"""Documents are complete and alike: each page is in its index, each named file exists, and prose
has one width."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from generator.schema import TABLES
from tests.support.project import ROOT

WIDTH = 100
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / ".github").glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "tests").rglob("*.md"),
]
GUIDES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "docs/architecture.md"]


def prose(page: Path) -> list[tuple[int, str]]:
    """The numbered lines of a page that are neither code, table, heading, picture nor comment."""
    lines, is_code = [], False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if line.startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(("|", "#", "!", "<!--")):
            lines.append((number, line))
    return lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_is_at_most_100_columns_wide(page: Path) -> None:
    wide = [number for number, line in prose(page) if len(line) > WIDTH and " " in line.strip()]
    assert wide == []


def test_editors_are_given_the_same_width() -> None:
    assert f"max_line_length = {WIDTH}\n" in (ROOT / ".editorconfig").read_text()
    assert f"line-length = {WIDTH}\n" in (ROOT / "pyproject.toml").read_text()


def test_the_hosted_check_is_the_script_that_anybody_runs() -> None:
    (jobs,) = [
        yaml.safe_load(file.read_text())["jobs"]
        for file in (ROOT / ".github/workflows").glob("*.yml")
    ]
    assert [step["run"] for step in jobs["check"]["steps"] if "run" in step] == [".ci/run"]


def test_the_files_that_llms_txt_names_exist_and_the_form_is_kept() -> None:
    """A title, a summary, and lists of links with a note: https://llmstxt.org."""
    title, _, summary, *lines = (ROOT / "llms.txt").read_text().splitlines()
    assert title.startswith("# ")
    assert summary.startswith("> ")
    links = [
        re.fullmatch(r"- \[[^\]]+\]\(([^)]+)\): .+", line) for line in lines if line[:1] == "-"
    ]
    assert len(links) > 10
    assert [link and link[1] for link in links if not link or not (ROOT / link[1]).is_file()] == []


def test_llms_txt_names_every_page() -> None:
    listing = (ROOT / "llms.txt").read_text()
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} - {"docs/README.md"}
    assert sorted(page for page in pages if f"({page})" not in listing) == []


def test_the_overview_of_the_models_names_every_mart() -> None:
    models = ROOT / "dbt_project/models"
    folders = (models / "marts", models / "realism/marts")
    marts = {file.stem for folder in folders for file in folder.rglob("*.sql")}
    text = (models / "overview.md").read_text()
    assert len(marts) > 20
    assert sorted(mart for mart in marts if f"`{mart}`" not in text) == []


def test_the_readme_names_every_raw_table_and_dimension() -> None:
    dimensions = {file.stem for file in (ROOT / "dbt_project").rglob("dim_*.sql")}
    text = (ROOT / "README.md").read_text()
    names = {table.table_name for table in TABLES} | dimensions
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_citation_says_what_the_package_says() -> None:
    """Each release has its version in the package alone."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert [author["name"] for author in cited["authors"]] == [
        author["name"] for author in project["authors"]
    ]
    assert (cited["license"], cited["url"]) == (project["license"], project["urls"]["Homepage"])


def test_the_index_of_the_documentation_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(re.findall(r"\]\(([\w.-]+)\)", index))


def test_the_index_of_the_decisions_names_each_with_its_title_and_date() -> None:
    rows = []
    for number, file in enumerate(DECISIONS, start=1):
        text = file.read_text()
        title = re.match(r"# (\d+)\. (.+)\n\nDate: (\d{4}-\d\d-\d\d)\n", text)
        assert title, file.name
        assert (int(title[1]), file.name[:4]) == (number, f"{number:04d}"), file.name
        assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Price"], file.name
        rows.append(f"| {number} | [{title[2]}]({file.name}) | {title[3]} |")
    index = (ROOT / "docs/decisions/README.md").read_text()
    assert [line for line in index.splitlines() if re.match(r"\| \d", line)] == rows


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_file_that_a_guide_names_exists(page: Path) -> None:
    """Paths in backticks, from the root or from a folder below it; `data/` is made by commands."""
    path = r"`([\w./-]+(?:/|\.(?:py|yml|md|sql|toml|txt|lock|json)))`"
    named = set(re.findall(path, page.read_text()))
    assert len(named) > 4
    folders = [ROOT / name for name in ("generator", "dbt_project", "tests", "docs")]
    missing = [
        name
        for name in sorted(named)
        if not (ROOT / name).exists()
        and not any(next(folder.rglob(name), None) for folder in folders)
    ]
    assert missing == []
