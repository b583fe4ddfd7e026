"""The site of the documentation: `make site`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.project import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors."""
    from tests.support.site import build_site, place_pages

    pages, folder = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("site")
    place_pages(pages)
    build_site(pages, folder)
    return folder


def test_the_site_has_every_page_of_the_documentation(site: Path) -> None:
    pages = {page.relative_to(ROOT) for page in (ROOT / "docs").rglob("*.md")}
    built = {page.parent if page.stem == "README" else page.with_suffix("") for page in pages} | {
        Path("docs/notebooks/first_look"),
        Path("."),
    }
    assert [str(page) for page in sorted(built) if not (site / page / "index.html").exists()] == []


def test_nothing_is_fetched_from_elsewhere_when_a_page_is_read(site: Path) -> None:
    """Links to other sites are no more than links."""
    loads = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?https?:|<link[^>]+href=\"?https?:[^>]+")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 80
    assert [page.name for page in pages if loads.search(page.read_text())] == []
    assert "fonts.g" not in "".join(css.read_text() for css in site.rglob("*.css"))


@pytest.mark.parametrize("fault", ["[gone](gone.md)", "[gone](scale.md#gone)", "![gone](gone.png)"])
def test_a_link_to_nothing_ends_the_build(tmp_path: Path, fault: str) -> None:
    from mkdocs.exceptions import Abort

    from tests.support.site import build_site, place_pages

    pages = tmp_path / "pages"
    place_pages(pages)
    page = pages / "docs/faults.md"
    page.write_text(f"{page.read_text()}\n{fault}\n")
    with pytest.raises(Abort, match="1 warnings"):
        build_site(pages, tmp_path / "site")


def test_a_page_that_the_index_does_not_name_ends_the_build(tmp_path: Path) -> None:
    from mkdocs.exceptions import Abort

    from tests.support.site import build_site, place_pages

    pages = tmp_path / "pages"
    place_pages(pages)
    (pages / "docs/more.md").write_text("# More\n")
    with pytest.raises(Abort, match="1 warnings"):
        build_site(pages, tmp_path / "site")
