"""`make test` has requirements.txt and no more: every file of tests can be imported with it. What
the tests of the site, of the notebook or on Spark need besides is imported when they run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.project import ROOT

OURS = {"generator", "tests"}
FILES = sorted(
    file
    for file in (ROOT / "tests").rglob("*.py")
    if file.name.startswith("test_") or file.name == "conftest.py"
)


def with_what_they_need(lines: list[str]) -> set[str]:
    """The names of the packages that installing these requirements brings."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *wanted.extras):
            package = str(canonicalize_name(wanted.name)), extra
            if package in found:
                continue
            found.add(package)
            try:
                needed = [Requirement(line) for line in requires(package[0]) or ()]
            except PackageNotFoundError:  # for another system
                continue
            waiting += [
                one for one in needed if not one.marker or one.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in found}


def imported(text: str) -> Iterator[str]:
    """The dotted names of the modules that a file imports when it is imported itself."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def reached(file: Path) -> set[str]:
    """The foreign modules that a file of tests imports, also by way of others of its kind."""
    waiting, seen, foreign = [file], set(), set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in imported(file.read_text()):
            if name.split(".")[0] not in OURS:
                foreign.add(name.split(".")[0])
            elif (module := (ROOT / name.replace(".", "/")).with_suffix(".py")).is_file():
                waiting.append(module)
    return foreign - sys.stdlib_module_names


@pytest.fixture(scope="module")
def allowed() -> set[str]:
    """The packages of requirements.txt, and all that they need."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return with_what_they_need([line for line in lines if line and not line.startswith("#")])


@pytest.fixture(scope="module")
def packages() -> dict[str, set[str]]:
    """The packages that each module comes with."""
    return {
        module: {str(canonicalize_name(name)) for name in names}
        for module, names in packages_distributions().items()
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "tests")))
def test_requirements_txt_is_enough_to_import(
    file: Path, allowed: set[str], packages: dict[str, set[str]]
) -> None:
    assert sorted(name for name in reached(file) if not packages.get(name, set()) & allowed) == []


def test_a_module_of_another_requirements_file_would_be_seen(allowed: set[str]) -> None:
    assert {"pytest", "duckdb", "pyarrow"} <= allowed
    assert allowed.isdisjoint({"mkdocs", "nbclient", "nbformat", "pyspark", "streamlit"})
    text = "import nbformat\n\ndef later():\n    import mkdocs\n"
    assert list(imported(text)) == ["nbformat"]
