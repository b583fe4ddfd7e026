"""The report as a reader sees it: opened from the disk in a browser, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.report import queries
from generator.report.page import html
from tests.support.browser import Page, browser

READY = "document.documentElement && document.documentElement.dataset.ready === '{}'"
MARKS = """Object.fromEntries([...document.querySelectorAll('.card:has(.chart)')].map(card => [
    card.id.slice('chart-'.length),
    card.querySelectorAll('.chart svg [class*=mark-] :is(path, rect, line, text)').length,
]))"""
CHARTS = {
    "plan",
    "pacing",
    "funnel",
    "quartiles",
    "hours",
    "reach",
    "frequency",
    "creatives-completion",
    "creatives-clicks",
    "audience",
    "prices",
}


@pytest.fixture(scope="module")
def report(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "a report.html"
    file.write_text(html(queries.read(built_database)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def spoilt(faulty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("spoilt") / "report.html"
    file.write_text(html(queries.read(faulty_database)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    page.screen(1280)
    page.open(report, READY.format(0))
    return page


def choose(page: Page, campaign: str) -> None:
    page.ask(
        f"""{{ const select = document.getElementById('campaign'); select.value = '{campaign}';
        select.dispatchEvent(new Event('change')); }}"""
    )
    page.wait(READY.format(campaign))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_from_the_disk_without_a_request_or_a_complaint(
    page: Page, report: Path, width: int, dark: bool
) -> None:
    page.screen(width, dark=dark)
    page.open(report, READY.format(0))
    assert page.complaints() == []
    assert page.requests() == [report.resolve().as_uri()]
    marks = page.ask(MARKS)
    assert set(marks) == CHARTS
    assert all(marks.values()), marks
    assert page.ask("document.documentElement.scrollWidth") == width
    backgrounds = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (backgrounds == "rgb(16, 20, 24)") == dark


@pytest.mark.parametrize(
    ("media", "width", "last"),
    [("", 1280, "Found by"), ("", 390, "Recall"), ("print", 718, "Found by")],
)
def test_labelled_faults_can_be_read_on_a_desk_in_a_hand_and_on_paper(
    page: Page, spoilt: Path, media: str, width: int, last: str
) -> None:
    """The columns up to the last one that is named are seen without scrolling."""
    page.screen(width)
    page.open(spoilt, READY.format(0))
    page.call("Emulation.setEmulatedMedia", media=media)
    assert page.complaints() == []
    edges = page.ask(
        """[...document.querySelectorAll('#faults thead th')].map(
            each => [each.textContent, each.getBoundingClientRect().right])"""
    )
    whole = page.ask("document.documentElement.scrollWidth")
    page.call("Emulation.setEmulatedMedia", media="")
    assert whole == width
    assert 0 < dict(edges)[last] < width
    rows = page.ask("document.querySelectorAll('#faults tbody tr').length")
    linked = page.ask("document.querySelectorAll('a[href=\"#faults\"]').length")
    assert (rows, linked) == (12, 2)


def test_choosing_a_campaign_changes_charts_tiles_and_tables(opened: Page) -> None:
    script = """({
        tiles: document.getElementById('tiles').textContent,
        charts: Object.fromEntries([...document.querySelectorAll('.card:has(.chart)')].map(
            card => [card.id.slice(6), card.querySelector('.chart svg').outerHTML])),
        campaigns: document.querySelectorAll('#campaigns tbody tr').length,
    })"""
    of_all = opened.ask(script)
    chosen = opened.ask("document.querySelectorAll('#campaign option')[1].value")
    choose(opened, chosen)
    of_one = opened.ask(script)
    assert of_all["tiles"] != of_one["tiles"]
    assert "Reach" in of_one["tiles"]
    assert of_all["campaigns"] == 7
    assert of_one["campaigns"] == 1
    same = [name for name, svg in of_one["charts"].items() if svg == of_all["charts"][name]]
    assert same == []
    assert opened.complaints() == []
    choose(opened, "0")
    assert opened.ask(script)["charts"].keys() == CHARTS


def test_every_campaign_can_be_chosen(opened: Page) -> None:
    for campaign in opened.ask(
        "[...document.querySelectorAll('#campaign option')].map(o => o.value)"
    ):
        choose(opened, campaign)
        assert opened.complaints() == []
        nothing = opened.ask("[...document.querySelectorAll('.chart .empty')].length")
        assert nothing == 0


def test_the_figures_of_a_chart_can_be_read_as_a_table(opened: Page) -> None:
    figures = opened.ask(
        """(() => { const details = document.querySelector('#chart-funnel details');
        details.open = true; details.dispatchEvent(new Event('toggle'));
        return [...details.querySelectorAll('tr')].map(
            row => [...row.cells].map(cell => cell.textContent));
        })()"""
    )
    assert figures[0] == ["Step", "Count", "Of requests, %", "Of the step before, %"]
    assert [row[0] for row in figures[1:]] == [
        "Requests",
        "Responses",
        "Eligible",
        "Auctions won",
        "Impressions",
    ]
    assert figures[1][2] == "100"


def test_charts_and_controls_have_names_for_those_who_do_not_see_them(opened: Page) -> None:
    unnamed = opened.ask(
        """[...document.querySelectorAll('[role=img], [role=region], select, button, nav')].filter(
            each => !(each.ariaLabel || each.labels?.length || each.textContent.trim())).length"""
    )
    assert unnamed == 0
    # What can be focused by the keyboard: the skip link first, then the controls.
    assert opened.ask("document.querySelector('a, button, select').className") == "skip"
    scopes = opened.ask("[...document.querySelectorAll('th:not([scope])')].length")
    assert scopes == 0


def test_the_theme_goes_from_the_systems_to_light_to_dark(opened: Page) -> None:
    def background() -> str:
        color: str = opened.ask("getComputedStyle(document.body).backgroundColor")
        return color

    seen = [background()]
    for _ in range(3):
        opened.ask("document.getElementById('theme').click()")
        seen.append(background())
    assert seen == ["rgb(245, 246, 248)", "rgb(245, 246, 248)", "rgb(16, 20, 24)", seen[0]]
    assert opened.ask("document.getElementById('theme').textContent") == "Theme: system"


def test_it_prints_on_paper_without_controls(opened: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    opened.printed(file)
    assert file.read_bytes().startswith(b"%PDF")
    opened.call("Emulation.setEmulatedMedia", media="print")
    shown = opened.ask("getComputedStyle(document.querySelector('.bar')).display")
    opened.call("Emulation.setEmulatedMedia", media="")
    assert shown == "none"
