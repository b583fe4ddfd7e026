"""The report as text: what it says agrees with the marts, and no name in it can do harm."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.report import queries
from generator.report.page import html, verdict
from tests.support.project import ROOT, Answer

SIX_MEGABYTES = 6_000_000
NASTY = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)> & \"'"


@pytest.fixture(scope="module")
def text(built_database: Path) -> str:
    return html(queries.read(built_database))


def data_of(text: str) -> dict[str, Any]:
    """The data that the page carries for its charts."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def rows_of(text: str, name: str) -> list[dict[str, Any]]:
    table = data_of(text)["tables"][name]
    return [dict(zip(table["fields"], row, strict=True)) for row in table["rows"]]


class Tags(HTMLParser):
    """Every start tag with its attributes; fails on an end that has no start."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_one_small_file_made_in_little_time(built_database: Path) -> None:
    started = time.process_time()
    text = html(queries.read(built_database))
    assert time.process_time() - started < 10
    assert len(text.encode()) < SIX_MEGABYTES
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    assert [tag for tag, attributes in tags.seen if "src" in attributes] == []
    assert [tag for tag, _ in tags.seen if tag in ("link", "iframe", "img")] == []
    policy = next(a["content"] for _, a in tags.seen if "http-equiv" in a)
    assert policy is not None
    assert "default-src 'none'" in policy


def test_every_id_is_there_once_and_every_link_leads_to_one(text: str) -> None:
    tags = Tags()
    tags.feed(text)
    ids = [str(a["id"]) for _, a in tags.seen if "id" in a]
    assert len(ids) == len(set(ids))
    links = {str(a["href"]) for tag, a in tags.seen if tag == "a"}
    assert links <= {f"#{anchor}" for anchor in ids}
    named = {str(a[key]) for _, a in tags.seen for key in ("aria-labelledby", "for") if key in a}
    assert named <= set(ids)


def test_every_impression_and_amount_is_in_the_page_once(text: str, built_database: Path) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        expected = connection.execute(
            "SELECT sum(impressions), sum(clicks), sum(spend)::DOUBLE"
            " FROM marts.fct_campaign_performance_daily"
        ).fetchall()[0]
    facts = rows_of(text, "facts")
    found = tuple(sum(row[name] for row in facts) for name in ("impressions", "clicks", "spend"))
    assert found == pytest.approx(expected, rel=1e-6)
    assert sum(row["impressions"] for row in rows_of(text, "creative_facts")) == expected[0]
    hours = sum(sum(row["impressions"]) for row in rows_of(text, "hours"))
    ages = sum(sum(r["impressions"]) for r in rows_of(text, "audience") if r["dimension"] == "Age")
    assert hours == ages == expected[0]


def test_of_many_campaigns_the_largest_are_shown_and_the_others_counted_together(
    built_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = queries._SHOWN.replace(f"place <= {queries.MOST_CAMPAIGNS}", "place <= 2")
    monkeypatch.setattr(queries, "_SHOWN", few)
    page = html(queries.read(built_database))
    campaigns = rows_of(page, "campaigns")
    assert [row["campaigns"] for row in campaigns] == [1, 1, 5]
    assert [row["name"] is None for row in campaigns] == [False, False, True]
    assert {row["campaign"] for row in rows_of(page, "facts")} == {
        row["campaign"] for row in campaigns
    }
    assert {row["campaign"] for row in rows_of(page, "reach")} == {
        row["campaign"] for row in campaigns[:2]
    }
    assert "All 7 campaigns count. The 2 largest can be chosen" in page


def test_the_scorecard_and_the_invariants_stand_in_the_file_as_tables(
    text: str, built_database: Path
) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        counts = dict(
            connection.execute(
                "SELECT status, count(*) FROM marts.realism_scorecard GROUP BY ALL"
            ).fetchall()
        )
        checked = connection.execute("SELECT checked_rows FROM marts.realism_invariants").fetchall()
    shapes = queries.read(built_database)["shapes"]
    for status, count in counts.items():
        badges = text.count(f'<span class="badge {status.lower()}">')
        assert badges == count + sum(row["status"] == status for row in shapes)
    for (rows,) in checked:
        assert f">{rows:,}</span></td>" in text


def test_people_are_counted_as_the_marts_of_the_log_count_them(
    text: str, built_database: Path
) -> None:
    """How often, how many to date, who is shared, and the ads of one day; a panel multiplied up."""
    with duckdb.connect(str(built_database), read_only=True) as connection:

        def ask(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        ((impressions, households),) = ask(
            "SELECT sum(households * exposures), sum(households) "
            "FROM marts.fct_frequency_distribution"
        )
        often = rows_of(text, "log_frequency")
        assert sum(row["households"] * row["exposures"] for row in often) == impressions
        assert sum(row["households"] for row in often) == households > 1000
        last = {row["campaign"]: row for row in rows_of(text, "log_reach")}
        assert sum(row["counted"] for row in last.values()) == households
        for row in last.values():
            assert row["measured"] == 1000 * row["counted"]
            assert abs(row["measured"] / row["published"] - 1) < 0.15
        ((pairs, shared),) = ask("SELECT count(*), sum(shared_reach) FROM marts.fct_reach_overlap")
        overlap = rows_of(text, "log_overlap")
        assert len(overlap) == 2 * pairs
        assert sum(row["households"] for row in overlap) == 2 * shared
        ((most,),) = ask(
            "SELECT max(impressions) FROM (SELECT sum(impressions) AS impressions "
            "FROM marts.fct_household_frequency_daily GROUP BY household_id, activity_date)"
        )
        ads = rows_of(text, "log_day")
        assert sum(row["chosen"] == ads[0]["chosen"] for row in ads) == most > 2
        assert {row["chosen"] for row in ads} == set(last)
        assert all(
            any(row["campaign"] == chosen for row in ads if row["chosen"] == chosen)
            for chosen in last
        )


def test_methods_are_beside_the_truth_and_experiments_too(
    text: str, built_database: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        ((last_touch, truth),) = connection.execute(
            "SELECT sum(attributed_conversions), sum(expected_conversions) "
            "FROM marts.fct_attribution_scorecard WHERE attribution_method = 'LAST_TOUCH'"
        ).fetchall()
    methods = rows_of(text, "attribution")
    assert sum(row["last_touch"] for row in methods) == pytest.approx(float(last_touch), abs=1)
    assert sum(row["truth"] for row in methods) == pytest.approx(truth, abs=1)
    assert {"linear", "time_decay", "position", "markov", "shapley"} < set(methods[0])
    assert rows_of(text, "lift") == []
    file = tmp_path / "experiment.duckdb"
    shutil.copy(built_database, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "INSERT INTO marts.fct_experiment_scorecard BY NAME SELECT 3 AS experiment_id, "
            "3 AS campaign_id, 'LEAD' AS conversion_type, 'GHOST_ADS' AS lift_method, "
            "0.1 AS lift, -0.05 AS lift_low, 0.25 AS lift_high, 40 AS incremental_conversions, "
            "30 AS expected_conversions, true AS covers_truth"
        )
    assert rows_of(html(queries.read(file)), "lift") == [
        {
            "campaign": 3,
            "type": "Lead",
            "method": "Ghost ads",
            "lift": 0.1,
            "low": -0.05,
            "high": 0.25,
            "found": 40,
            "truth": 30,
            "covers": "✓ yes",
        }
    ]


@pytest.mark.parametrize("end", ["DROP TABLE", "DELETE FROM"])
def test_without_a_log_nothing_is_said_of_people(
    built_database: Path, tmp_path: Path, end: str
) -> None:
    """Whether its marts are switched off or have no rows."""
    file = tmp_path / "without.duckdb"
    shutil.copy(built_database, file)
    with duckdb.connect(str(file)) as connection:
        for mart in queries.LOG_MARTS:
            connection.execute(f"{end} marts.{mart}")
    page = html(queries.read(file))
    assert [name for name in queries.LOG_QUERIES if rows_of(page, name)] == []


def faults_of(text: str) -> list[list[str]]:
    """The cells of the labelled faults row by row, with the headings as the first."""
    section = text.partition('id="faults"')[2].partition("</section>")[0]
    rows = [re.findall(r"<t[hd][ >].*?</t[hd]>", row) for row in section.split("<tr ")[1:]]
    return [[unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in rows]


def test_labelled_faults_are_a_row_per_type_with_the_figures_of_the_model(
    faulty_database: Path, tmp_path: Path
) -> None:
    """Ten unchanged; one was missed at times and mistaken at others, one was not put in."""
    file = tmp_path / "faulty.duckdb"
    shutil.copy(faulty_database, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "UPDATE marts.fct_fault_detection SET found_days = 2000, labelled_days = 2468, "
            "found_and_labelled_days = 1234, detection_precision = 0.617, detection_recall = 0.5 "
            "WHERE fault_type = 'OUTAGE'"
        )
        connection.execute(
            "UPDATE marts.fct_fault_detection SET labelled_days = 0, found_and_labelled_days = 0, "
            "detection_precision = 0, detection_recall = NULL WHERE fault_type = 'DUPLICATES'"
        )
        expected = connection.execute(
            "SELECT fault_type, rows_touched, findings, detection_precision, found_days, "
            "detection_recall, labelled_days, found_and_labelled_days, found_by "
            "FROM marts.fct_fault_detection ORDER BY labelled_days = 0, fault_type"
        ).fetchall()
    headings, *rows = faults_of(html(queries.read(file)))
    assert headings == ["Fault", "Rows touched", "Findings", "Precision", "Recall", "Found by"]
    assert len(rows) == len(expected) == 12
    for row, (name, touched, findings, precision, found, recall, labelled, both, by) in zip(
        rows, expected, strict=True
    ):
        assert row[0].upper() == name.replace("_", " ")
        assert row[1:3] == [f"{touched:,}", f"{findings:,}"]
        assert row[3].split(maxsplit=1) == [f"{precision:g}", f"{both:,} of {found:,}"]
        if recall is None:
            assert (row[0], row[4]) == ("Duplicates", "–")
        else:
            assert row[4].split(maxsplit=1) == [f"{recall:g}", f"{both:,} of {labelled:,}"]
        assert row[5].startswith(by)


def test_without_labelled_faults_nothing_is_said_of_them(text: str) -> None:
    assert 'id="faults"' not in text
    assert "#faults" not in text
    assert "Labelled faults" not in text


def test_the_verdict_counts_what_binds_apart() -> None:
    def row(status: str, is_binding: bool) -> dict[str, Any]:
        return {"status": status, "is_binding": is_binding}

    assert verdict(
        [
            row("INSIDE", True),
            row("OUTSIDE", True),
            row("OUTSIDE", False),
            row("NOT_APPLICABLE", True),
        ]
    ) == {"inside": 1, "outside": 2, "not_applicable": 1, "binding": 2, "binding_inside": 1}


def test_names_are_escaped(built_database: Path, tmp_path: Path) -> None:
    file = tmp_path / "nasty.duckdb"
    shutil.copy(built_database, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE marts.dim_campaigns SET campaign_name = ?", [NASTY])
        connection.execute("UPDATE marts.dim_campaigns SET advertiser_name = ?", [NASTY])
        connection.execute("UPDATE marts.dim_creatives SET creative_name = ?", [NASTY])
        connection.execute(
            "UPDATE marts.realism_scorecard SET source = ?, workflow = ?", [NASTY] * 2
        )
        connection.execute(
            "UPDATE marts.fct_fault_detection SET fault_type = ?, found_by = ?, labelled_days = 1",
            [NASTY] * 2,
        )
    text = html(queries.read(file))
    assert NASTY not in text
    assert "<script>document.title" not in text
    assert "onerror=alert(1)>" not in text.replace("&gt;", "")
    assert {row["name"] for row in rows_of(text, "campaigns")} == {NASTY}
    assert faults_of(text)[1][0] == NASTY
    tags = Tags()
    tags.feed(text)
    assert [tag for tag, _ in tags.seen if tag == "img"] == []
    assert sum(tag == "script" for tag, _ in tags.seen) == 3


def test_a_database_without_marts_is_a_sentence(
    run: Callable[..., Answer], complete_database: Path, tmp_path: Path
) -> None:
    for command in ("report", "scorecard"):
        answer = run(command, "--database", str(complete_database))
        assert answer.code == 2
        assert re.search(r"no marts\.\w+; run `ADS_DATABASE=\S+ dbt build`$", answer.err.strip())
        answer = run(command, "--database", str(tmp_path / "none.duckdb"))
        assert answer.code == 2
        assert "does not exist; run `generate`, then `dbt build`" in answer.err
    (tmp_path / "text.duckdb").write_text("not a database")
    answer = run("report", "--database", str(tmp_path / "text.duckdb"))
    assert answer.code == 2
    assert "is not a DuckDB database" in answer.err


@pytest.mark.parametrize("command", ["report", "scorecard"])
def test_an_open_database_is_one_line(
    run: Callable[..., Answer], built_database: Path, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "ads.duckdb"
    shutil.copy(built_database, file)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"\n"
        answer = run(command, "--database", str(file))
    finally:
        holder.communicate(b"\n")
    assert (answer.code, answer.err) == (
        1,
        f"error: {file}: is open in another process; close it there (or choose another "
        "--database)\n",
    )


def test_marts_of_another_version_are_a_sentence(
    run: Callable[..., Answer], built_database: Path, tmp_path: Path
) -> None:
    older = Path(shutil.copy(built_database, tmp_path))
    with duckdb.connect(str(older)) as connection:
        connection.execute("ALTER TABLE marts.fct_campaign_pacing_daily DROP pacing_tolerance_pct")
    answer = run("report", "--database", str(older), "--output", str(tmp_path / "report.html"))
    assert answer.code == 2
    assert re.search(
        r"of another version, .*; run `ADS_DATABASE=\S+ dbt build`$", answer.err.strip()
    )
    assert not (tmp_path / "report.html").exists()


def test_the_command_writes_the_file_and_says_where(
    run: Callable[..., Answer], built_database: Path, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "report.html"
    answer = run("report", "--database", str(built_database), "--output", str(to))
    assert (answer.code, answer.out.strip()) == (0, str(to))
    assert to.read_text().startswith("<!doctype html>")
    to.chmod(0o600)
    assert run("report", "--database", str(built_database), "--output", str(to)).code == 0
    assert to.stat().st_mode & 0o777 == 0o600
    (tmp_path / "file").write_text("mine")
    (tmp_path / "page.html").write_text("<!doctype html><title>Delivery report</title>")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "to nothing").symlink_to(tmp_path / "nothing")
    copy = tmp_path / "copy.duckdb"
    shutil.copy(built_database, copy)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for name in (".", "file", "page.html", "link", "to nothing", "copy.duckdb"):
        answer = run("report", "--database", str(copy), "--output", str(tmp_path / name))
        assert answer.code == 2
        assert "give another name" in answer.err
    answer = run("report", "--database", str(copy), "--output", str(tmp_path / "page.pdf"))
    assert (answer.code, "end in .html" in answer.err) == (2, True)
    assert run("report", "--database", str(copy), "--to", str(copy)).code == 2
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert os.listdir(to.parent) == [to.name]


def test_the_scorecard_is_printed_with_its_count(
    run: Callable[..., Answer], built_database: Path
) -> None:
    answer = run("scorecard", "--database", str(built_database))
    assert answer.code == 0
    assert "vcr_ctv" in answer.out
    assert ("such as the workflow calibration" in answer.out) == ("\noutside " in answer.out)
    found = re.search(r"^(\d+) of (\d+) benchmarks inside, (\d+) not", answer.out, re.M)
    assert found
    inside, binding, _ = map(int, found.groups())
    assert 30 < inside <= binding
    as_json = run("scorecard", "--database", str(built_database), "--json").json
    assert len(as_json["benchmarks"]) == 56
    assert {benchmark["status"] for benchmark in as_json["benchmarks"]} <= {
        "INSIDE",
        "OUTSIDE",
        "NOT_APPLICABLE",
    }


def test_the_report_reads_the_marts_that_its_exposure_names() -> None:
    exposure = (ROOT / "dbt_project/models/_exposures.yml").read_text().split("- name: ")[1]
    named = re.findall(r"ref\('(\w+)'\)", exposure)
    assert sorted(named) == sorted(queries.MARTS + queries.SEEDS)
    sql = "".join(queries.QUERIES.values())
    assert set(re.findall(r"marts\.(\w+)", sql)) == set(queries.MARTS)
    assert set(re.findall(r"seeds\.(\w+)", sql)) == set(queries.SEEDS)
