"""The page as a person sees it, in Chromium, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.watch.server import Server
from tests.support.browser import Page, browser
from tests.watch.test_server import serving

Changed = Callable[..., Path]
NASTY = "<img src=x onerror=document.title=1> & \"'</td>"
# The text of each cell, by row.
CELLS = """[...document.querySelectorAll({body!r} + ' tr')].map(
    row => [...row.children].map(cell => cell.innerText))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def server(live_database: Path) -> Iterator[Server]:
    with serving(live_database) as found:
        yield found


def visit(page: Page, server: Server, state: str = "running") -> None:
    page.open(server.url, in_state(state))


def in_state(state: str) -> str:
    return f"document.documentElement?.dataset.state === {state!r}"


def text(page: Page, name: str) -> str:
    found: str = page.ask(f"document.getElementById({name!r}).innerText")
    return found


def cells(page: Page, body: str) -> list[list[str]]:
    found: list[list[str]] = page.ask(CELLS.format(body="#" + body))
    return found


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_the_screen_without_a_complaint(
    page: Page, server: Server, width: int, dark: bool
) -> None:
    page.screen(width, dark=dark)
    visit(page, server)
    assert page.complaints() == []
    assert {url for url in page.requests() if not url.startswith((server.url, "data:"))} == set()
    assert page.ask("document.documentElement.scrollWidth") == width
    background = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(16, 20, 24)") == dark
    # No text is cut or lies over its neighbour.
    outside = """[...document.querySelectorAll('td, th, dd, .status')].filter(e => e.offsetWidth
        && getComputedStyle(e.closest('thead') ?? e).position !== 'absolute'
        && e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"""
    assert page.ask(outside) == []


def test_it_says_what_the_database_says(page: Page, server: Server) -> None:
    page.screen(1280)
    visit(page, server)
    found = server.readings.now()
    [campaign] = found["campaigns"]
    assert text(page, "status") == "The stream runs."
    assert text(page, "event-time") == "2025-09-14 12:31"
    assert text(page, "events") == "24,000 in all"
    assert text(page, "lag") == "0.3 s"
    assert text(page, "late") == "2.5%"
    assert text(page, "duplicate") == "0.83%"
    [[name, flight, spend, plan, pacing, impressions]] = cells(page, "campaign-rows")
    assert name.split("\n") == [campaign["name"], campaign["advertiser"]]
    assert flight.split("\n") == ["2025-09-07 to 2025-09-20", "running"]
    assert spend == f"${campaign['spend']:,.0f} of $3,000"
    assert plan == "$1,607"
    assert pacing == f"{campaign['pacing_pct']:.0f}% on plan"
    assert impressions.split("\n") == [f"{campaign['impressions']:,}", "of 115,384"]
    [[_, target, sentence]] = cells(page, "error-rows")
    assert (target, sentence) == (
        "kafka://user:***@broker.example",
        "The broker went away, so 214 events wait.",
    )
    assert len(cells(page, "ad-error-rows")) == len(found["ad_errors"]) > 0
    drawn = """[...document.querySelectorAll('#rate-chart rect')].filter(
        bar => bar.height.baseVal.value).length"""
    assert page.ask(drawn) >= 40


def test_it_follows_the_database_and_keeps_its_rows(
    page: Page, server: Server, changed: Changed
) -> None:
    """A row that is known is written again in its place: a reader of the screen stays in it."""
    visit(page, server)
    page.ask("window.kept = document.querySelector('#campaign-rows tr')")
    changed(
        "UPDATE raw.performance_hourly SET loaded_at = loaded_at",
        "INSERT INTO live.slices SELECT slice_end, slice_end + INTERVAL 1 MINUTE, sent_at, 876, 0,"
        " 0, 0, 0.1 FROM live.slices ORDER BY slice_end DESC LIMIT 1",
    )
    page.wait("document.getElementById('events').innerText === '24,876 in all'")
    assert text(page, "event-time") == "2025-09-14 12:32"
    assert page.ask("window.kept === document.querySelector('#campaign-rows tr')")


def test_names_are_text(page: Page, server: Server, changed: Changed) -> None:
    quoted = NASTY.replace("'", "''")
    changed(
        f"UPDATE raw.campaigns SET name = '{quoted}'",
        f"INSERT INTO live.errors VALUES ('2026-03-01', '{quoted}', '{quoted}')",
    )
    visit(page, server)
    page.wait("document.querySelectorAll('#error-rows tr').length === 2")
    assert cells(page, "campaign-rows")[0][0].split("\n")[0] == NASTY
    assert cells(page, "error-rows")[0][1:] == [NASTY, NASTY]
    assert page.ask("document.querySelectorAll('img').length") == 0
    assert page.complaints() == []


def test_while_it_waits_it_says_why_and_how_old_the_figures_are(
    page: Page, server: Server, live_database: Path
) -> None:
    visit(page, server)
    moved = live_database.rename(live_database.with_suffix(".moved"))
    page.wait(in_state("waiting"))
    assert "does not exist yet" in text(page, "status")
    assert text(page, "age").startswith("The figures are ")
    assert text(page, "event-time") == "2025-09-14 12:31"
    moved.rename(live_database)
    page.wait(in_state("running"))
    assert text(page, "age") == ""


def test_a_page_may_be_open_before_the_database_is_there(page: Page, tmp_path: Path) -> None:
    page.screen(390)
    with serving(tmp_path / "x.duckdb") as server:
        visit(page, server, "waiting")
        page.wait("document.getElementById('status').innerText.includes('does not exist yet')")
        assert text(page, "age") == ""
        assert text(page, "no-campaigns") == "No campaigns yet."
        assert page.complaints() == []


def test_a_stream_that_sends_nothing_is_called_quiet(
    page: Page, server: Server, changed: Changed
) -> None:
    changed("UPDATE live.slices SET sent_at = sent_at - INTERVAL 90 SECOND")
    visit(page, server, "quiet")
    assert text(page, "age").startswith("Last slice 9")


def test_a_stream_at_its_end_says_so(page: Page, server: Server, changed: Changed) -> None:
    changed("UPDATE live.state SET next_slice = event_time_until")
    visit(page, server, "finished")


def test_a_program_that_has_ended_is_not_taken_for_a_quiet_stream(
    page: Page, live_database: Path
) -> None:
    with serving(live_database) as server:
        visit(page, server)
    server.server_close()
    page.wait(in_state("gone"))
    assert "does not answer" in text(page, "status")


def test_a_screen_reader_hears_states_and_not_each_figure(page: Page, server: Server) -> None:
    visit(page, server)
    live = "[...document.querySelectorAll('[aria-live], [role=status]')].map(e => e.id)"
    assert page.ask(live) == ["status"]
    assert page.ask("document.getElementById('status').getAttribute('aria-live')") == "polite"
    # What a screen reader knows of the tables.
    tree = page.call("Accessibility.getFullAXTree")["nodes"]

    def of(role: str) -> list[Any]:
        return [
            n.get("name", {}).get("value") for n in tree if n.get("role", {}).get("value") == role
        ]

    assert "Campaigns against plan" in of("table")
    assert {"Campaign", "Pacing", "Spend of budget"} <= set(of("columnheader"))
    assert len(of("rowheader")) == 1 + 1 + len(server.readings.now()["ad_errors"])
    assert of("image") == [text(page, "rate-text"), text(page, "lag-text")]


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_stay_rows_on_a_phone(page: Page, server: Server, width: int) -> None:
    page.screen(width)
    visit(page, server)
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in tree if not node.get("ignored")]
    assert roles.count("table") == 3
    assert roles.count("cell") == 5 + 2 + 2 * len(server.readings.now()["ad_errors"])


def test_the_keyboard_skips_to_the_campaigns(page: Page, server: Server) -> None:
    page.screen(1280)
    visit(page, server)
    for kind in ("keyDown", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
        )
    assert page.ask("document.activeElement.className") == "skip"
    assert page.ask("document.activeElement.getBoundingClientRect().left") >= 0
    page.ask("document.activeElement.click()")
    page.wait("document.activeElement.id === 'campaigns'")


def test_nothing_moves(page: Page, server: Server) -> None:
    """Reduced motion is kept for all: figures change in place."""
    visit(page, server)
    moving = """[...document.querySelectorAll('main *')].filter(e => {
        const s = getComputedStyle(e);
        return s.animationName !== 'none' || s.transitionDuration !== '0s'; }).length"""
    assert page.ask(moving) == 0
    assert page.ask("document.getAnimations().length") == 0
