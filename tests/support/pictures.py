"""The README's pictures of the report, taken of `data/ads.duckdb`: `make pictures`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from generator.report import queries
from generator.report.page import html
from tests.support.browser import Page, browser
from tests.support.project import ROOT

FOLDER = ROOT / "docs"
_READY = "document.documentElement?.dataset.ready"
_WIDTH = 1200


def main(database: Path = ROOT / "data/ads.duckdb") -> None:
    """Take the pictures: the top of the report on light, some of its cards on dark."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(html(queries.read(database)), encoding="utf-8")
        with browser(Path(folder) / "profile") as page:
            page.screen(_WIDTH)
            page.open(file, _READY)
            page.picture(FOLDER / "report-overview.png", _from_to(page, "body", "#chart-daily"))
            page.screen(_WIDTH, dark=True)
            page.open(file, _READY)
            clip = _from_to(page, "#section-supply-and-video", "#chart-reach")
            page.picture(FOLDER / "report-dark.png", clip)


def _from_to(page: Page, first: str, last: str) -> dict[str, float]:
    """The part of the page from the top of one element to the bottom of another."""
    box = "document.querySelector('{}').getBoundingClientRect().{}"
    top = page.ask(box.format(first, "top"))
    bottom = page.ask(box.format(last, "bottom")) + 10
    return {"x": 0, "y": top, "width": _WIDTH, "height": bottom - top}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
