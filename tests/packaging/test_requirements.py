"""pyproject.toml holds every requirement; the files for `pip install -r` repeat it."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement

from tests.support.project import ROOT
from tests.support.requirements import requirements_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", requirements_files())
def test_a_requirements_file_is_what_pyproject_says(name: str) -> None:
    """`make lock` writes it again."""
    assert (ROOT / name).read_text() == requirements_files()[name]


def test_every_requirement_has_an_upper_bound() -> None:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    lists = [project["dependencies"], *project["optional-dependencies"].values(), *groups.values()]
    requirements = [Requirement(line) for lines in lists for line in lines]
    assert len(requirements) > 30
    bounded = {"<", "==", "~="}
    assert [
        str(requirement)
        for requirement in requirements
        if not bounded & {part.operator for part in requirement.specifier}
    ] == []
