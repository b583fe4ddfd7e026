"""The documentation as a site: `python -m tests.support.site [FOLDER]` builds it, by default into
`target/site`. A link to nothing ends the build.

The pages stay as a code host shows them. What is built is a copy in which each has its place in
the checkout, so a link is right in both. The navigation is the index of docs/README.md.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.commands.build import build
from mkdocs.config import load_config
from nbconvert import MarkdownExporter

from tests.support.project import ROOT

INDEX = ROOT / "docs/README.md"
# Pages that others lead to.
BESIDE = "docs/decisions/0*.md\ndocs/lessons/[a-z]*.md\nbenchmarks/\ndashboards/\ntests/"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_ROW = re.compile(r"^\| \[[^\]]+\]\((?P<page>[^)]+)\)")


def build_site(pages: Path, folder: Path) -> None:
    """Build the site of pages into a folder. Raises mkdocs.exceptions.Abort for a page that is not
    in the index, and for a link to nothing."""
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(pages),
        site_dir=str(folder),
        nav=navigation(),
        not_in_nav=BESIDE,
        strict=True,
    )
    config.plugins.on_startup(command="build", dirty=False)
    build(config)


def navigation() -> list[Any]:
    """Return the sections of the index of the documentation, with their pages."""
    sections: list[Any] = ["README.md", "docs/README.md"]
    for line in INDEX.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            sections.append({line.removeprefix("## "): (pages := [])})
        elif row := _ROW.match(line):
            pages.append(_on_site(_of_root(INDEX, row["page"])))
    return [*sections, {"Project": ["CHANGELOG.md", "SECURITY.md"]}]


def place_pages(folder: Path) -> None:
    """Copy README.md, each page and file that can be reached from it by links, and what is in
    docs/, into a folder. A notebook becomes a page with its pictures."""
    waiting = [ROOT / "README.md", *(ROOT / "docs").rglob("*.*")]
    seen = set()
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        to = folder / file.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".ipynb":
            text, found = MarkdownExporter().from_filename(str(file))
            for name, content in found["outputs"].items():
                to.with_name(name).write_bytes(content)
        elif file.suffix == ".md":
            text = file.read_text(encoding="utf-8")
        else:
            shutil.copy(file, to)
            continue
        waiting += [(file.parent / link).resolve() for link in _LINK.findall(text)]
        to.with_suffix(".md").write_text(text.replace(".ipynb)", ".md)"), encoding="utf-8")


def _of_root(page: Path, link: str) -> str:
    return str((page.parent / link).resolve().relative_to(ROOT))


def _on_site(page: str) -> str:
    return page.replace(".ipynb", ".md")


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s: %(message)s")
    with tempfile.TemporaryDirectory() as place:
        place_pages(Path(place))
        build_site(Path(place), Path(*sys.argv[1:]) if sys.argv[1:] else ROOT / "target/site")
