"""The report as a reader sees it: opened from the disk in a browser, wide and narrow."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.report import queries
from generator.report.page import html
from tests.support.browser import Page, browser

CHARTS = {
    "daily",
    "plan",
    "pacing",
    "funnel",
    "quartiles",
    "hours",
    "reach",
    "frequency",
    "log-frequency",
    "log-reach",
    "log-overlap",
    "log-day",
    "creatives",
    "audience",
    "prices",
}
MARKS = """Object.fromEntries([...document.querySelectorAll('.card:has(.chart)')].map(card => [
    card.id.slice('chart-'.length),
    card.querySelectorAll('.chart svg [class*=mark-] :is(path, rect, line, text)').length,
]))"""
# Names of campaigns are the data's own; all other words are the report's.
TEXT = "document.body.innerText"


def written(database: Path, folder: Path, *changes: str) -> Path:
    """Write a report on a copy of the database, after these statements."""
    copy = folder / "ads.duckdb"
    shutil.copy(database, copy)
    with duckdb.connect(str(copy)) as connection:
        for change in changes:
            connection.execute(change)
    file = folder / "a report.html"
    file.write_text(html(queries.read(copy)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def report(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(built_database, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    page.screen(1280)
    visit(page, report)
    return page


def ready(state: str) -> str:
    return f"document.documentElement?.dataset.ready === {state!r}"


def visit(page: Page, file: Path, state: str = "#") -> None:
    page.open(file, ready(state), fragment=state)


def choose(page: Page, state: str, **values: str) -> None:
    """Set filters as a reader does, and wait until the report shows that state."""
    for name, value in values.items():
        page.ask(
            f"""{{ const control = document.getElementById({name!r}); control.value = {value!r};
            control.dispatchEvent(new Event('change')); }}"""
        )
    page.wait(ready(state))


def rows(page: Page, chart: str, **choice: str) -> list[dict[str, Any]]:
    """The rows that a chart draws of a choice."""
    found: list[dict[str, Any]] = page.ask(f"report.rows({chart!r}, {choice!r})")
    return found


def answers(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


# --- It opens anywhere.


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_from_the_disk_without_a_request_or_a_complaint(
    page: Page, report: Path, width: int, dark: bool
) -> None:
    page.screen(width, dark=dark)
    visit(page, report)
    assert page.complaints() == []
    assert [url for url in page.requests() if not url.startswith("data:")] == [report.as_uri()]
    marks = page.ask(MARKS)
    assert set(marks) == CHARTS
    assert all(marks.values()), marks
    assert page.ask("document.documentElement.scrollWidth") == width
    backgrounds = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (backgrounds == "rgb(16, 20, 24)") == dark
    # The bar stays on the screen, so it is low, and a heading that is jumped to is below it.
    height = page.ask("document.querySelector('.bar').getBoundingClientRect().height")
    room = page.ask("parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)")
    assert height < room < 170


def test_days_are_the_same_in_every_time_zone(page: Page, report: Path) -> None:
    texts = """[...document.querySelectorAll('#chart-daily text, #chart-prices text')].map(
        text => text.textContent)"""
    seen = []
    for zone in ("UTC", "America/Los_Angeles", "Asia/Tokyo"):
        page.call("Emulation.setTimezoneOverride", timezoneId=zone)
        visit(page, report)
        seen.append(page.ask(texts))
    page.call("Emulation.setTimezoneOverride", timezoneId="")
    assert "1 Sep" in seen[0]
    assert seen == [seen[0]] * 3


# --- Figures are those of the marts.


def test_rates_and_prices_are_those_of_the_marts(opened: Page, built_database: Path) -> None:
    """The page divides sums itself; for one campaign it must say what the mart says."""
    months = answers(
        built_database,
        "SELECT campaign_id, month_start_date::VARCHAR, effective_cpm"
        " FROM marts.fct_campaign_performance_monthly WHERE impressions > 0",
    )
    assert len(months) > 10
    prices = {
        campaign: {row["month"]: row["cpm"] for row in rows(opened, "prices", campaign=campaign)}
        for campaign in {str(campaign) for campaign, _, _ in months}
    }
    for campaign, month, cpm in months:
        assert prices[str(campaign)][month] == pytest.approx(cpm, rel=1e-3)
    expected = answers(
        built_database,
        "SELECT creative_id, sum(video_q100) / nullif(sum(video_starts), 0),"
        " sum(clicks) / sum(impressions)"
        " FROM marts.fct_creative_performance_daily GROUP BY 1 HAVING sum(impressions) > 0",
    )
    found = {
        row["creative"]: (row["completion"], row["click"]) for row in rows(opened, "creatives")
    }
    assert found == {
        creative: (pytest.approx(completion) if completion else None, pytest.approx(click))
        for creative, completion, click in expected
    }


def test_wilsons_interval(opened: Page) -> None:
    """50 of 100: .4038 to .5962 (Wilson 1927, as tables give it); the ends stay in 0 to 1."""
    assert opened.ask("report.wilson(50, 100)") == pytest.approx([0.4038, 0.5962], abs=1e-4)
    assert opened.ask("report.wilson(0, 10)") == pytest.approx([0, 0.2775], abs=1e-4)
    assert opened.ask("report.wilson(10, 10)[1]") == pytest.approx(1)


# --- 1 Realism is a separate page.


def test_realism_is_a_separate_page_with_an_address(page: Page, report: Path) -> None:
    page.screen(1280)
    visit(page, report)
    shown = "[...document.querySelectorAll('.page')].filter(p => p.offsetHeight).map(p => p.id)"
    assert page.ask(shown) == ["delivery"]
    page.ask("[...document.querySelectorAll('.pages a')].find(a => a.text == 'Realism').click()")
    page.wait(ready("#page=realism"))
    assert page.ask(shown) == ["realism"]
    visit(page, report, "#page=realism")
    assert page.ask(shown) == ["realism"]
    assert page.ask("document.querySelector('.pages [aria-current]').text") == "Realism"


# --- 2 The overview says what is worth a look.

STORY = "[...document.querySelectorAll('#story li')].map(item => item.innerText)"
QUIET = (
    "UPDATE marts.fct_campaign_pacing_daily SET pacing_status = 'ON_TRACK'",
    "UPDATE marts.fct_device_performance_daily SET device = 'CTV'",
    "UPDATE marts.fct_audience_daily SET population_share = NULL",
    "UPDATE marts.fct_performance_hourly SET clicks = 0, video_q100 = video_starts",
)


def test_the_story_names_a_campaign_off_plan_a_weak_creative_a_device_and_an_audience(
    page: Page, built_database: Path, tmp_path: Path
) -> None:
    [(name, other)] = answers(
        built_database,
        "SELECT max(campaign_name) FILTER (campaign_id = 2), max(campaign_name)"
        " FILTER (campaign_id = 3) FROM marts.dim_campaigns",
    )
    file = written(
        built_database,
        tmp_path,
        "UPDATE marts.fct_campaign_pacing_daily SET pacing_status = 'UNDER', pacing_index = 53.5,"
        " spend = spend / 2 WHERE campaign_id = 2",
        "UPDATE marts.fct_campaign_pacing_daily SET pacing_status = 'OVER', pacing_index = 131"
        " WHERE campaign_id = 3",
        "UPDATE marts.fct_performance_hourly SET video_q100 = video_q100 / 2"
        " WHERE creative_id = 40102",
        "UPDATE marts.fct_device_performance_daily SET clicks = 3 * clicks WHERE device = 'MOBILE'",
    )
    page.screen(1280)
    visit(page, file)
    behind, ahead, weak, leading, clicking, audience = page.ask(STORY)
    assert behind.startswith("Behind plan")
    assert re.search(rf"{re.escape(name)} .*\$30K .*of the \$60K planned .*53\.5", behind)
    assert ahead.startswith("Ahead of plan")
    assert other in ahead
    assert re.search(
        "Weak creative.*“Pelugant_.*_v1”.*49.6% fewer viewers complete", weak, re.DOTALL
    )
    assert leading.startswith("CTV leads")
    assert clicking.startswith("Mobile clicks")
    assert "Sci-fi" in audience
    page.ask("document.querySelector('#story a').click()")
    page.wait(ready("#campaign=2"))
    assert page.ask("document.getElementById('campaign').selectedOptions[0].text") == name
    assert page.ask(STORY)[0].startswith("Behind plan")


def test_the_story_is_silent_where_all_is_as_expected(
    page: Page, built_database: Path, tmp_path: Path
) -> None:
    page.screen(1280)
    visit(page, written(built_database, tmp_path, *QUIET))
    [nothing] = page.ask(STORY)
    assert nothing.startswith("Nothing:")


# --- 3 Every line has a name.


def test_each_pacing_line_is_under_the_name_of_its_campaign(opened: Page) -> None:
    names = {row["name"] for row in rows(opened, "pacing")}
    assert len(names) == 7
    texts = opened.ask(
        "[...document.querySelectorAll('#chart-pacing svg text')].map(text => text.textContent)"
    )
    assert names <= set(texts)


def test_pointing_at_a_line_names_it_and_dims_the_others(opened: Page) -> None:
    opened.ask("document.getElementById('chart-reach').scrollIntoView({behavior: 'instant'})")
    lines = "[...document.querySelectorAll('#chart-reach .mark-line path')]"
    label = "[...document.querySelectorAll('#chart-reach .role-mark text')]"
    place = opened.ask(
        f"""(() => {{ const path = {lines}.at(-1), at = path.getPointAtLength(
            path.getTotalLength() * .98).matrixTransform(path.getScreenCTM());
            return [at.x, at.y]; }})()"""
    )
    opened.point(*place)
    strong = f"{lines}.filter(line => (line.getAttribute('opacity') ?? 1) == 1).length"
    opened.wait(f"{strong} === 1")
    visible = opened.ask(
        f"{label}.filter(text => (text.getAttribute('opacity') ?? 1) != 0).map(t => t.textContent)"
    )
    assert len(visible) == 1
    assert visible[0] in {row["name"] for row in rows(opened, "reach")}


# --- 4 A colour means one thing, and is seen on light and on dark.


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_have_one_meaning_and_contrast(page: Page, report: Path, dark: bool) -> None:
    page.screen(1280, dark=dark)
    visit(page, report)
    names = [
        "ctv",
        "mobile",
        "tablet",
        "desktop",
        "delivered",
        "planned",
        "off",
        "change",
        "incident",
    ]
    names += [f"times-{number}" for number in range(1, 6)]
    style = "getComputedStyle(document.documentElement).getPropertyValue"
    colours = {name: page.ask(f"{style}('--{name}')").strip() for name in [*names, "card"]}
    assert len(set(colours.values())) == len(colours)
    for name in names:
        assert contrast(colours[name], colours["card"]) >= 3, name
    used = page.ask(
        """Object.fromEntries([...document.querySelectorAll('.card:has(.chart)')].map(card => [
            card.id.slice(6),
            [...new Set([...card.querySelectorAll('svg [class*=mark-] *')].flatMap(
                mark => [mark.getAttribute('fill'), mark.getAttribute('stroke')]).filter(
                colour => colour?.startsWith('var') && colour != 'var(--card)'))].sort()]))"""
    )
    devices = {f"var(--{name})" for name in names[:4]}
    for chart, found in used.items():
        if chart in ("daily", "quartiles"):
            assert set(found) == devices, chart
        elif chart == "log-day":
            assert set(found) < devices, chart
        else:
            assert not set(found) & devices, chart
    assert used["plan"] == ["var(--delivered)", "var(--planned)"]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, #rrggbb (WCAG 2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# --- 5 Nothing is clipped without a sign.


def test_what_is_outside_an_axis_has_a_sign(
    page: Page, report: Path, built_database: Path, tmp_path: Path
) -> None:
    triangles = "document.querySelectorAll('#chart-pacing .mark-symbol path').length"
    page.screen(1280)
    visit(page, report)
    before = page.ask(triangles)
    beyond = "document.querySelectorAll('#realism .beyond').length"
    beyond_before = page.ask(beyond)
    file = written(
        built_database,
        tmp_path,
        "UPDATE marts.fct_campaign_pacing_daily SET pacing_index = 300"
        " WHERE campaign_id = 1 AND activity_date = '2025-09-02'",
        "UPDATE marts.fct_campaign_pacing_daily SET pacing_index = 20"
        " WHERE campaign_id = 2 AND activity_date = '2025-09-02'",
        "UPDATE marts.fct_audience_daily SET population_share = 0.0004 WHERE segment = 'SCI_FI'",
        "UPDATE marts.realism_scorecard SET measured_value = 99 WHERE benchmark_id = 'vcr_ctv'",
    )
    visit(page, file)
    assert page.ask(triangles) == before + 2
    low, high = page.ask(
        "document.querySelector('#chart-audience .chart').view.scale('x').domain()"
    )
    indexes = [row["index"] for row in rows(page, "audience")]
    assert low <= min(indexes) < max(indexes) <= high
    assert max(indexes) > 10000
    assert page.ask(beyond) == beyond_before + 1


def test_the_band_of_pacing_is_the_tolerance_of_the_marts(
    page: Page, built_database: Path, tmp_path: Path
) -> None:
    wider = "UPDATE marts.fct_campaign_pacing_daily SET pacing_tolerance_pct = 12.5"
    page.screen(1280)
    visit(page, written(built_database, tmp_path, wider))
    assert "the band is 87.5 to 112.5" in page.ask("document.body.innerText")


# --- 6 Hours are local.


def test_the_heat_map_is_in_the_viewers_own_time(opened: Page, built_database: Path) -> None:
    """All campaigns are in the US, five hours behind: from 19 h on a UTC day is the day before."""
    expected = answers(
        built_database,
        "SELECT isodow(activity_date - (segment >= '19')::INTEGER) AS weekday,"
        " segment::INTEGER AS hour, sum(impressions)::BIGINT"
        " FROM marts.fct_audience_daily WHERE dimension = 'LOCAL_HOUR'"
        " GROUP BY ALL ORDER BY ALL",
    )
    found = [(row["place"] + 1, row["hour"], row["impressions"]) for row in rows(opened, "hours")]
    assert found == expected
    peak = max(rows(opened, "hours"), key=lambda row: row["impressions"])
    assert 19 <= peak["hour"] <= 22
    assert "Local hour of the day" in opened.ask(
        "document.querySelector('#chart-hours').textContent"
    )


# --- 7 Creatives have one order, and no label is cut.


def test_creatives_are_in_one_chart_by_size(opened: Page) -> None:
    found = rows(opened, "creatives")
    assert len(found) == 11
    sizes = [row["impressions"] for row in found]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_no_label_of_a_chart_is_cut_or_out_of_sight(page: Page, report: Path, width: int) -> None:
    page.screen(width)
    visit(page, report)
    texts = page.ask(
        """[...document.querySelectorAll('.chart svg text')].filter(
            text => (text.getAttribute('opacity') ?? 1) != 0 && text.textContent).map(
            text => [text.textContent, text.getBoundingClientRect().left,
                text.getBoundingClientRect().right])"""
    )
    assert len(texts) > 100
    assert [text for text in texts if "…" in text[0] or text[1] < 0 or text[2] > width] == []


# --- 8 and 9 Words and figures for people.


def test_readers_meet_words_and_one_notation(page: Page, report: Path) -> None:
    page.screen(1280)
    names = {row["name"] for row in rows(page, "reach")} if page.ask("window.report") else set()
    for state in ("#", "#page=realism"):
        visit(page, report, state)
        text = page.ask(TEXT)
        for name in sorted(names | {row["name"] for row in rows(page, "reach")}, key=len):
            text = text.replace(name, "")
        assert re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text) == []
        assert re.findall(r"\w+!?=\w+|\b(?:MOBILE|TABLET|DESKTOP|MID_ROLL|PRE_ROLL)\b", text) == []
        assert re.findall(r"\d %|\d e-?\d|\de-\d|\b0[MKk]\b", text) == []
    visit(page, report)
    tiles = page.ask("document.getElementById('tiles').innerText").split("\n")
    assert "$1.53M" in tiles
    assert "$27.25" in tiles
    axis = page.ask("document.querySelector('#chart-plan .chart').textContent")
    assert "$20K" in axis


def test_conversions_are_in_the_tiles_with_their_cost_and_return(
    page: Page, report: Path, built_database: Path
) -> None:
    """Where a campaign counts some, and nowhere else."""
    page.screen(1280)
    (campaign, cpa, roas) = answers(
        built_database,
        "SELECT campaign_id, sum(spend) / sum(conversions), sum(conversions_value) / sum(spend)"
        " FROM marts.fct_conversions_daily WHERE campaign_id = 3 GROUP BY 1",
    )[0]
    visit(page, report, f"#campaign={campaign}")
    tiles = page.ask("document.getElementById('tiles').innerText").split("\n")
    assert float(tiles[tiles.index("Cost per conversion") + 1].strip("$")) == pytest.approx(
        float(cpa), abs=0.006
    )
    assert float(tiles[tiles.index("ROAS") + 1]) == pytest.approx(float(roas), rel=0.006)
    none = "SELECT min(campaign_id) FROM marts.dim_campaigns WHERE campaign_id NOT IN"
    ((silent,),) = answers(
        built_database, f"{none} (SELECT campaign_id FROM marts.fct_conversions_daily)"
    )
    visit(page, report, f"#campaign={silent}")
    assert "Conversions" not in page.ask("document.getElementById('tiles').innerText")


def test_methods_of_attribution_are_side_by_side_with_the_truth(
    page: Page, report: Path, built_database: Path
) -> None:
    page.screen(1280)
    ((conversions, caused),) = answers(
        built_database,
        "SELECT attributed_conversions::int, round(expected_conversions)::int"
        " FROM marts.fct_attribution_scorecard"
        " WHERE campaign_id = 3 AND attribution_method = 'LAST_TOUCH'",
    )
    visit(page, report, "#campaign=3")
    ((name, _, _, last_touch, *_, truth),) = page.ask(
        """[...document.querySelectorAll('#attribution-list tbody tr')].map(
            row => [...row.cells].map(cell => cell.textContent))"""
    )
    assert "NexBank" in name
    assert int(last_touch.replace(",", "")) == conversions
    assert int(truth.replace(",", "")) == caused
    assert page.ask("document.getElementById('lift-card')") is None


# --- 10 Cards are even.


def test_cards_and_tiles_in_a_row_are_even(opened: Page) -> None:
    boxes = opened.ask(
        """[...document.querySelectorAll('.card:has(.chart), #tiles > div')].map(
            card => [card.getBoundingClientRect().top, card.getBoundingClientRect().height])"""
    )
    by_row: dict[float, set[float]] = {}
    for top, height in boxes:
        by_row.setdefault(round(top), set()).add(round(height))
    assert all(len(heights) == 1 for heights in by_row.values())
    empty = opened.ask(
        """[...document.querySelectorAll('.card:not(.wide) .chart')].map(
            chart => chart.clientHeight - chart.querySelector('svg').clientHeight)"""
    )
    assert max(empty) <= 60


# --- 11 A phone shows every column.


@pytest.mark.parametrize("state", ["#", "#page=realism"])
def test_a_phone_shows_every_cell_of_every_table(page: Page, report: Path, state: str) -> None:
    page.screen(390)
    visit(page, report, state)
    page.ask("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.wait("document.querySelectorAll('#chart-funnel td, #realism td').length > 0")
    cells = page.ask(
        """[...document.querySelectorAll('.page:not([hidden]) :is(td, tbody th)')].map(cell => {
            const box = cell.getBoundingClientRect();
            return [cell.textContent, box.left >= 0 && box.right <= 390 && box.width > 0,
                !cell.dataset.label || cell.matches(':first-child')
                || getComputedStyle(cell, '::before').content.includes(cell.dataset.label)];
        })"""
    )
    assert len(cells) > 50
    assert [cell for cell in cells if not (cell[1] and cell[2])] == []
    sideways = page.ask(
        """[...document.querySelectorAll('.page:not([hidden]) .scroll')].filter(
            box => box.scrollWidth > box.clientWidth).length"""
    )
    assert sideways == 0


# --- 12 Axes and legends are about what is shown.


def test_legends_and_axes_follow_the_selection(opened: Page) -> None:
    """Campaign 1 runs on television alone."""
    choose(opened, "#campaign=1", campaign="1")
    legends = opened.ask(
        """['quartiles', 'daily'].map(chart => [...document.querySelectorAll(
            `#chart-${chart} .role-legend text`)].map(text => text.textContent))"""
    )
    assert legends == [["CTV"], ["CTV"]]
    domain = "document.querySelector('#chart-{} .chart').view.scale('y').domain()"
    assert opened.ask(domain.format("quartiles")) == [0.8, 1]
    prices = "document.querySelector('#chart-prices .chart').view.scale('concat_0_y').domain()[0]"
    assert opened.ask(prices) == 0


# --- 13 Filters, their address, and downloads.

SHOWN = """({
    tiles: document.getElementById('tiles').textContent,
    campaigns: document.querySelectorAll('#campaigns-list tbody tr').length,
    charts: Object.fromEntries([...document.querySelectorAll('.card:has(.chart)')].map(
        card => [card.id.slice(6), card.querySelector('.chart').innerHTML])),
})"""


@pytest.mark.parametrize(
    ("values", "state", "campaigns", "unchanged"),
    [
        ({"campaign": "3"}, "#campaign=3", 1, set()),
        ({"advertiser": "NexBank"}, "#advertiser=NexBank", 1, set()),
        (
            {"device": "MOBILE"},
            "#device=MOBILE",
            5,
            {
                "plan",
                "pacing",
                "hours",
                "reach",
                "frequency",
                "log-frequency",
                "log-reach",
                "log-overlap",
                "audience",
            },
        ),
        (
            {"from": "2025-09-01", "to": "2025-09-30"},
            "#from=2025-09-01&to=2025-09-30",
            5,
            {"log-frequency", "log-overlap"},
        ),
    ],
    ids=["campaign", "advertiser", "device", "dates"],
)
def test_a_filter_changes_what_is_shown_and_the_address_opens_the_same_view(
    page: Page,
    report: Path,
    values: dict[str, str],
    state: str,
    campaigns: int,
    unchanged: set[str],
) -> None:
    page.screen(1280)
    visit(page, report)
    of_all = page.ask(SHOWN)
    assert of_all["campaigns"] == 7
    choose(page, state, **values)
    assert page.ask("location.hash") == state
    chosen = page.ask(SHOWN)
    assert chosen["tiles"] != of_all["tiles"]
    assert chosen["campaigns"] == campaigns
    same = {name for name, svg in chosen["charts"].items() if svg == of_all["charts"][name]}
    assert same == unchanged
    warned = page.ask(
        """[...document.querySelectorAll('.ignores:not([hidden])')].map(
            note => note.closest('.card').id.slice(6))"""
    )
    assert set(warned) == unchanged
    assert page.complaints() == []
    visit(page, report, state)
    assert page.ask(SHOWN)["tiles"] == chosen["tiles"]
    assert {name: page.ask(f"document.getElementById({name!r}).value") for name in values} == values
    page.ask("document.getElementById('reset').click()")
    page.wait(ready("#"))
    assert page.ask(SHOWN)["tiles"] == of_all["tiles"]
    page.ask("history.back()")
    page.wait(ready(state))


def test_a_link_to_what_the_report_does_not_have_shows_everything(page: Page, report: Path) -> None:
    page.screen(1280)
    wrong = "#campaign=999&device=FRIDGE&from=soon&to=1999-01-01&page=none&advertiser=Unknown&x=1"
    page.open(report, "document.documentElement?.dataset.ready", fragment=wrong)
    assert page.complaints() == []
    assert page.ask("document.documentElement.dataset.ready") == "#to=2025-08-10"
    assert page.ask("document.getElementById('campaign').value") == ""


def test_every_campaign_can_be_chosen(opened: Page) -> None:
    for campaign in opened.ask(
        "[...document.querySelectorAll('#campaign option')].map(o => o.value).slice(1)"
    ):
        choose(opened, f"#campaign={campaign}", campaign=campaign)
        assert opened.complaints() == []
        nothing = opened.ask("[...document.querySelectorAll('.chart .empty')].length")
        assert nothing == 0


def test_a_download_has_the_rows_that_are_shown(opened: Page, tmp_path: Path) -> None:
    opened.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    choose(opened, "#campaign=3", campaign="3")
    expected = rows(opened, "quartiles", campaign="3")
    opened.ask("document.querySelector('#chart-quartiles .csv').click()")
    file = tmp_path / "quartiles.csv"
    opened.until(file.exists)
    found = list(csv.DictReader(StringIO(file.read_text(encoding="utf-8-sig"))))
    assert [row["Device"] for row in found] == [row["device"] for row in expected]
    assert [float(row["Of starts"]) for row in found] == [row["of_starts"] for row in expected]
    assert len(found) == 10
    opened.ask("document.querySelector('#campaigns-card .csv').click()")
    file = tmp_path / "campaigns.csv"
    opened.until(file.exists)
    [campaign] = csv.DictReader(StringIO(file.read_text(encoding="utf-8-sig")))
    assert campaign["Campaign"] == rows(opened, "reach", campaign="3")[0]["name"]


def test_a_name_is_no_formula_in_a_spreadsheet(opened: Page) -> None:
    text = opened.ask(
        """report.csv([['name', 'Name', 'text'], ['clicks', 'Clicks', 'count']],
            [{name: '=HYPERLINK("x")', clicks: -1}, {name: 'a, b', clicks: null}])"""
    )
    assert list(csv.reader(StringIO(text))) == [
        ["Name", "Clicks"],
        ['\'=HYPERLINK("x")', "-1"],
        ["a, b", ""],
    ]


# --- What happened to a campaign, and what a fuller market costs.

CHANGES = (
    ("PAUSED", "NULL", "NULL", "2025-09-20 15:20", "BRAND_SAFETY"),
    ("RESUMED", "NULL", "NULL", "2025-09-21 07:00", "BRAND_SAFETY"),
    ("BUDGET_RAISED", "60000", "75000.5", "2025-09-25 09:00", "CLIENT"),
    ("BID_RAISED", "20", "22.5", "2025-09-25 09:30", "PERFORMANCE"),
    ("BID_RAISED", "20", "22.5", "2025-09-25 09:30", "PERFORMANCE"),
)
MARKED = f"""
    INSERT INTO marts.fct_campaign_changes (
        change_id, campaign_id, change_type, amount_before, amount_after, changed_at, reason
    ) VALUES {
    ", ".join(
        f"({place}, 2, '{kind}', {before}, {after}, TIMESTAMP '{at}', '{reason}')"
        for place, (kind, before, after, at, reason) in enumerate(CHANGES, start=1)
    )
}
"""
# An outage of two campaigns, and a load that was only late, which the curve does not show.
GONE_WRONG = """
    INSERT INTO marts.fct_incidents (
        incident, campaign_id, incident_type, is_on_purpose, is_recoverable, from_ts, to_ts,
        rows_touched, aimed_at
    )
    SELECT
        'ad_server_outage p 2025-09-28T10', campaign_id, 'AD_SERVER_OUTAGE', false, false,
        TIMESTAMP '2025-09-28 10:00', TIMESTAMP '2025-09-28 12:00' + to_hours(campaign_id - 1), 40,
        '{"subject": ["netflix_like"], "strength": 0.9}'
    FROM range(1, 3) AS hit (campaign_id)
    UNION ALL
    SELECT
        'late_rows_1', 2, 'LATE_ROWS', true, true, TIMESTAMP '2025-09-27', TIMESTAMP '2025-09-28',
        24, '{"hours_late": 30}'
"""
# Half the logarithm of the booked share: ten percent fuller cost 1.1 ** .5 - 1 = 4.88 % more.
FULL = """
    UPDATE marts.fct_inventory_daily SET
        booked_share = 0.1 + 0.02 * (day(activity_date) % 7),
        price_index = 2 * sqrt(0.1 + 0.02 * (day(activity_date) % 7)) * month(activity_date)
"""
MARK_WIDTHS = """[...document.querySelectorAll('#chart-plan .role-mark.mark-symbol path')].map(
    path => Number(path.getAttribute('stroke-width')))"""
MARK_NUMBERS = """[...document.querySelectorAll('#chart-plan .role-mark.mark-text text')].map(
    text => text.textContent)"""
MARK_LIST = "[...document.querySelectorAll('#chart-plan .numbered button')].map(b => b.innerText)"


@pytest.fixture(scope="module")
def eventful(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(built_database, tmp_path_factory.mktemp("eventful"), MARKED, GONE_WRONG, FULL)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_happened_to_a_campaign_is_marked_on_its_curve(
    page: Page, eventful: Path, width: int, dark: bool
) -> None:
    """Each mark has its number in the list, which says it in words."""
    page.screen(width, dark=dark)
    visit(page, eventful, "#campaign=2")
    assert page.complaints() == []
    assert page.ask("document.documentElement.scrollWidth") == width
    assert page.ask(MARK_NUMBERS) == ["1", "2", "3", "4", "5"]
    paused, resumed, budget, bids, outage = (text.split("\n") for text in page.ask(MARK_LIST))
    assert paused[:2] == ["1", "Paused"]
    assert paused[2] == "20 Sep 2025, 15:20 UTC · reason: brand safety"
    assert resumed[:2] == ["2", "Resumed"]
    assert budget[1] == "Budget raised $60,000 → $75,001"
    assert bids[1] == "Bid raised $20.00 → $22.50, 2 line items"
    assert outage[1:] == ["Ad server outage Whole platform, 3 h", "28 Sep 2025, 10:00 UTC"]
    marks = page.ask(
        """[...document.querySelectorAll('#chart-plan .role-mark.mark-symbol path')].map(path => {
            const box = path.getBoundingClientRect();
            return [box.left, box.right, box.top, box.bottom];
        })"""
    )
    for place, (left, right, top, bottom) in enumerate(marks):
        assert 0 <= left < right <= width
        for other in marks[:place]:
            assert right <= other[0] or left >= other[1] or top >= other[3] or bottom <= other[2]
    used = page.ask(
        """[...new Set([...document.querySelectorAll(
            '#chart-plan .role-mark.mark-symbol path')].map(
                mark => mark.getAttribute('stroke')))]"""
    )
    assert used == ["var(--change)", "var(--incident)"]
    spans = "document.querySelectorAll('#chart-plan .role-mark.mark-rect path').length"
    assert page.ask(spans) == 1


def test_a_mark_is_bold_when_its_words_have_the_keyboards_focus(page: Page, eventful: Path) -> None:
    page.screen(1280)
    visit(page, eventful, "#campaign=2")
    assert page.ask(MARK_WIDTHS) == [1.5] * 5
    page.ask("document.querySelectorAll('#chart-plan .numbered button')[2].focus()")
    page.wait(f"{MARK_WIDTHS}[2] === 3")
    assert page.ask(MARK_WIDTHS) == [1.5, 1.5, 3, 1.5, 1.5]
    page.ask("document.activeElement.blur()")
    page.wait(f"{MARK_WIDTHS}[2] === 1.5")


def test_all_that_was_changed_is_in_a_table_and_in_the_figures_of_its_day(
    page: Page, eventful: Path
) -> None:
    page.screen(1280)
    visit(page, eventful)
    assert page.ask(MARK_NUMBERS) == []
    assert page.ask("document.querySelector('#chart-plan .numbered').hidden") is True
    table = page.ask(
        """[...document.querySelectorAll('#changes-list tbody tr')].map(
            row => [...row.cells].map(cell => cell.textContent))"""
    )
    assert [row[2] for row in table] == ["Paused", "Resumed", "Budget raised", "Bid raised"]
    assert table[0][::4] == ["20 Sep 2025, 15:20 UTC", "Brand safety"]
    said = {row["day"]: row["happened"] for row in rows(page, "plan", campaign="2")}
    assert said["2025-09-20"] == "Paused"
    assert said["2025-09-25"] == (
        "Budget raised, $60,000 → $75,001; Bid raised, $20.00 → $22.50, 2 line items"
    )
    assert said["2025-09-22"] is None
    of_all = {row["day"]: row["happened"] for row in rows(page, "plan")}
    assert of_all["2025-09-28"] == "Ad server outage, Whole platform, 2 h; Ad server outage, " + (
        "Whole platform, 3 h"
    )
    assert of_all["2025-09-20"].endswith(": Paused")
    choose(page, "#campaign=3", campaign="3")
    assert "Nothing in this selection." in page.ask(
        "document.getElementById('changes-list').textContent"
    )


def test_incidents_are_a_list_of_what_where_and_how_many_campaigns(
    page: Page, eventful: Path
) -> None:
    """Faults on purpose say so."""
    page.screen(1280)
    visit(page, eventful)
    listed = """[...document.querySelectorAll('#incidents-list tbody tr')].map(
        row => [...row.cells].map(cell => cell.textContent))"""
    late, outage = page.ask(listed)
    assert late[2:] == ["Late rows", "–", "Put in on purpose", "1", "24"]
    assert outage == [
        "28 Sep 2025, 10:00 UTC",
        "28 Sep 2025, 13:00 UTC",
        "Ad server outage",
        "Whole platform",
        "Incident",
        "2",
        "80",
    ]
    choose(page, "#campaign=1", campaign="1")
    [outage] = page.ask(listed)
    assert outage[1:] == [
        "28 Sep 2025, 12:00 UTC",
        "Ad server outage",
        "Whole platform",
        "Incident",
        "1",
        "40",
    ]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_fuller_market_costs_more_in_the_months_own_terms(
    page: Page, eventful: Path, width: int
) -> None:
    """Prices of a month are another level, which the elasticity leaves out."""
    page.screen(width)
    visit(page, eventful)
    assert page.complaints() == []
    found = rows(page, "fill")
    assert {row["country"] for row in found} == {"US"}
    [elasticity] = {row["elasticity"] for row in found}
    assert elasticity == pytest.approx(0.5, abs=1e-3)
    assert "US · 10% fuller: 4.8" in page.ask("document.querySelector('#chart-fill').textContent")
    visit(page, eventful, "#campaign=2&device=MOBILE")
    note = page.ask("document.querySelector('#chart-fill .ignores').innerText")
    assert "The campaign filter does not apply" in note
    assert "The device filter does not apply" in note


def test_a_curve_has_a_gap_where_no_flight_ran(
    page: Page, built_database: Path, tmp_path: Path
) -> None:
    lines = "document.querySelector('#chart-plan .mark-line path').getAttribute('d').split('M')"
    page.screen(1280)
    file = written(
        built_database,
        tmp_path,
        "DELETE FROM marts.fct_campaign_pacing_daily"
        " WHERE campaign_id = 2 AND activity_date BETWEEN '2025-09-10' AND '2025-09-12'",
    )
    visit(page, file, "#campaign=2")
    assert page.ask(f"{lines}.length - 1") == 2
    visit(page, file, "#campaign=3")
    assert page.ask(f"{lines}.length - 1") == 1


def test_a_guarantee_shows_what_was_delivered_and_what_is_billed(
    page: Page, built_database: Path, tmp_path: Path
) -> None:
    goals = (
        "UPDATE marts.fct_campaign_pacing_daily SET goal_impressions = impressions_to_date * 2"
        " // 3, billed_impressions_to_date = impressions_to_date // 2 WHERE campaign_id = 2"
    )
    page.screen(1280)
    visit(page, written(built_database, tmp_path, goals), "#campaign=2")
    cells = page.ask(
        """[...document.querySelector('#campaigns-list tbody tr').cells].map(
            cell => [cell.dataset.label, cell.textContent])"""
    )
    assert dict(cells)["Goal delivered"] == "150%"
    assert dict(cells)["Goal billed"] == "75%"


# --- Labelled faults, tables, keyboard, themes and paper.


@pytest.mark.parametrize("width", [1280, 390])
def test_labelled_faults_are_a_separate_page(
    page: Page, faulty_database: Path, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(queries.read(faulty_database)), encoding="utf-8")
    page.screen(width)
    visit(page, file, "#page=faults")
    assert page.complaints() == []
    assert page.ask("document.documentElement.scrollWidth") == width
    edges = page.ask(
        """[...document.querySelectorAll('#faults tbody :is(td, th)')].map(
            cell => cell.getBoundingClientRect().right)"""
    )
    assert len(edges) == 12 * 6
    assert 0 < min(edges) <= max(edges) <= width
    visit(page, file)
    page.ask("document.querySelector('.lead a').click()")
    page.wait(ready("#page=faults"))


def test_the_figures_of_a_chart_can_be_read_as_a_table(opened: Page) -> None:
    figures = opened.ask(
        """(() => { const details = document.querySelector('#chart-funnel details');
        details.open = true; details.dispatchEvent(new Event('toggle'));
        return [...details.querySelectorAll('tr')].map(
            row => [...row.cells].map(cell => cell.textContent));
        })()"""
    )
    assert figures[0] == ["Step", "Count", "Of requests", "Of the step before"]
    assert [row[0] for row in figures[1:]] == [
        "Requests",
        "Responses",
        "Eligible",
        "Auctions won",
        "Impressions",
    ]
    assert figures[1][2] == "100%"


def test_charts_and_controls_have_names_for_those_who_do_not_see_them(opened: Page) -> None:
    unnamed = opened.ask(
        """[...document.querySelectorAll(
            '[role=img], [role=region], select, input, button, nav, form:not(:empty)')].filter(
            node => !(node.ariaLabel || node.labels?.length || node.textContent.trim())).map(
            node => node.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []
    # What can be focused by the keyboard: the skip link first, then the controls.
    assert opened.ask("document.querySelector('a, button, select').className") == "skip"
    scopes = opened.ask("[...document.querySelectorAll('th:not([scope])')].length")
    assert scopes == 0
    # Cards of rows on a phone are still tables to a screen reader.
    roles = opened.ask(
        "[...document.querySelectorAll('table.stack :is(tr, td, th):not([role])')].length"
    )
    assert roles == 0


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


def test_it_prints_on_paper_with_all_pages_and_without_controls(
    opened: Page, tmp_path: Path
) -> None:
    file = tmp_path / "report.pdf"
    opened.printed(file)
    assert file.read_bytes().startswith(b"%PDF")
    opened.call("Emulation.setEmulatedMedia", media="print")
    shown = opened.ask("getComputedStyle(document.querySelector('.bar')).display")
    realism = opened.ask("getComputedStyle(document.getElementById('realism')).display")
    opened.call("Emulation.setEmulatedMedia", media="")
    assert (shown, realism) == ("none", "block")
