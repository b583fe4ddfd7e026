"""The requirements files, which repeat pyproject.toml for a plain `pip install -r`: extras and
dependency groups are not installed by the pip that comes with Python 3.11, at least not without
the project itself, and a copy of the project in the environment would hide the checkout.

`python -m tests.support.requirements` writes them (`make lock` runs it).
"""

from __future__ import annotations

import tomllib

from tests.support.project import ROOT

_HEADER = "# Written by `make lock` from pyproject.toml; change requirements there.\n"


def requirements_files() -> dict[str, str]:
    """Return the text of each requirements file by its name."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    extras = project["optional-dependencies"]
    sections = {
        "the generator": project["dependencies"],
        **{f"extra {name}": extras[name] for name in ("dbt", "kafka", "postgres", "report", "s3")},
        "group dev": groups["dev"],
    }
    return {
        "requirements.txt": _HEADER
        + "".join(_section(title, wanted) for title, wanted in sections.items()),
        "requirements-docs.txt": _HEADER
        + "-r requirements.txt\n"
        + _section("group docs", groups["docs"]),
        "requirements-spark.txt": _HEADER
        + "-r requirements.txt\n"
        + _section("extra spark", extras["spark"]),
    }


def _section(title: str, requirements: list[str]) -> str:
    return "\n".join((f"\n# {title}", *requirements, "")) if requirements else ""


if __name__ == "__main__":
    for name, text in requirements_files().items():
        (ROOT / name).write_text(text)
