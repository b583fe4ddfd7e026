"""How people see the result of each command: a summary first, then what it is made of.

Numbers have one notation: commas between thousands, no exponents, money with two decimals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from shutil import which
from typing import Any

import yaml
from rich.console import RenderableType
from rich.text import Text

from generator.cli import results
from generator.cli.layout import Cell, Column, Command, Part, indent, table, text
from generator.cli.program import COMMAND, NAME
from generator.cli.settings import Settings
from generator.schema import TABLES
from generator.sinks.summary import CampaignHeld, Contents

_RELATIONS = {model.table_name: model.relation() for model in TABLES}
_MILLION = 1_000_000
_WIDE = 110
_MOST_CAMPAIGNS = 50
_MOST_LINES = 60
_LEAST_SPENT = 0.95
_TIME = "%Y-%m-%d %H:%M:%S"
_WRONG, _ODD, _RIGHT = "bold red", "yellow", "green"


def parts(result: results.Result, width: int, is_terminal: bool) -> Iterable[Part]:
    """Return what is printed of a result, for a width."""
    match result:
        case results.Generated():
            return _generation(result, width)
        case results.Streamed():
            return _end_of_stream(result)
        case results.AddedCampaign():
            return _addition(result, width)
        case results.Removed():
            return [
                f"campaign {result.campaign_id} removed from {result.database}",
                _rows(result.rows, width),
            ]
        case results.AddedAdvertiser():
            row = result.advertiser
            return [f"advertiser {row['advertiser_id']} {row['name']!r} → {result.database}"]
        case results.Initialised():
            changes = [(_RELATIONS[name], what) for name, what in result.tables.items()]
            return [
                f"{result.database}: {_sum_up(result.tables.values())}",
                table((Column("table"), Column("what")), changes, width),
            ]
        case results.Listing():
            return _listing(result, width)
        case results.Description():
            return _description(result, width, is_terminal)
        case results.Valid():
            return _validity(result)
        case results.Configuration():
            return [_configuration(result, width)]
        case results.Scorecard():
            return _scorecard(result, width)
        case results.Built():
            return _build(result)
        case results.Project():
            return [
                f"{result.folder}: {result.files} files",
                Command(f"Next: cd {result.folder}; its README.md says what to run"),
            ]
        case results.Written():
            return result.files
        case results.Watching():
            return [f"{result.url} follows {result.database}; Ctrl-C ends it"]
        case Contents():
            return _contents(result, width)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, which has a plural for all numbers but one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def figure(value: float | None) -> str:
    """Return a number with four digits that count.

    >>> figure(0.00009475), figure(27.3), figure(66785465355.0), figure(0)
    ('0.00009475', '27.3', '66,785,465,355', '0')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{Decimal(f'{value:.4g}'):f}"


def _generation(result: results.Generated, width: int) -> Iterator[Part]:
    rows = {landed.table: landed.rows for landed in result.tables}
    filled = sum(map(bool, rows.values()))
    size = "" if result.bytes is None else f", {result.bytes / _MILLION:,.1f} MB"
    yield f"{result.workflow}, seed {result.seed}, as of {result.as_of} → {result.database}"
    yield (
        f"{count(rows['raw.campaigns'], 'campaign')}, {count(sum(rows.values()), 'row')} in "
        f"{count(filled, 'table')}{size}, in {result.seconds:,.1f} s"
    )
    yield table(
        (Column("table"), Column("rows", is_number=True), Column("hash")),
        [(held.table, f"{held.rows:,}", held.hash) for held in result.tables if held.rows],
        width,
    )
    if filled < len(rows):
        yield f"without rows: {', '.join(name for name, number in rows.items() if not number)}"
    if result.next:
        yield Command(f"next: {result.next}")


def _end_of_stream(result: results.Streamed) -> Iterator[Part]:
    yield (
        f"{result.workflow} → {result.target}: "
        + (
            "complete"
            if result.is_complete
            else f"sent up to {result.event_time:%Y-%m-%d %H:%M:%S}"
        )
    )
    yield (
        f"{count(result.events, 'event')}, {result.late_events:,} of them late and "
        f"{result.duplicate_events:,} repeated, {count(result.hourly_rows, 'hourly row')}, "
        f"in {result.seconds:,.1f} s"
    )


def progress_line(now: results.Progress) -> str:
    """Return how a live run is doing in one line."""
    if now.waits_for:
        return f"{now.event_time:{_TIME}}  waiting: {now.waits_for}"
    return (
        f"{now.event_time:{_TIME}}  {now.lag_seconds:,.1f} s behind  "
        f"{now.events_per_second:,.0f} events/s  {now.events:,} events, {now.late_events:,} late, "
        f"{now.duplicate_events:,} repeated, {now.hourly_rows:,} hourly rows"
    )


def _addition(result: results.AddedCampaign, width: int) -> Iterator[Part]:
    yield (
        f"campaign {result.campaign_id} {result.name!r} of advertiser "
        f"{result.advertiser_id} {result.advertiser!r}, {result.start_date} to "
        f"{result.end_date}, {result.status} → {result.database}"
    )
    yield _rows(result.rows, width)


def _rows(rows: dict[str, int], width: int) -> RenderableType:
    order = list(_RELATIONS)
    listed = sorted(rows.items(), key=lambda entry: order.index(entry[0]))
    return table(
        (Column("table"), Column("rows", is_number=True)),
        [(_RELATIONS[name], f"{number:,}") for name, number in listed],
        width,
    )


def _listing(result: results.Listing, width: int) -> Iterator[Part]:
    entries = [(entry.name, entry.description) for entry in result.entries]
    yield table((Column("name"), Column("what", is_text=True)), entries, width, has_header=False)


def _description(result: results.Description, width: int, is_terminal: bool) -> Iterator[Part]:
    title = text(f"{result.kind} {result.name}: ", "bold")
    yield title + text(result.description)
    if result.columns:
        key = ", ".join(result.grain or ())
        yield f"Key: {key}. {count(len(result.columns), 'column')}; ? is nullable."
        yield ""
        yield _columns(result.columns, width)
    yield from (indent(member) for member in result.members or ())
    if result.content:
        content = _without_empty(result.content)
        lines = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=width).rstrip()
        if is_terminal and lines.count("\n") > _MOST_LINES:
            yield from _digest(result.name, content, lines.count("\n") + 1, width)
        else:
            yield lines


def _columns(columns: Sequence[results.DescribedColumn], width: int) -> RenderableType:
    titles = [Column("column"), Column("type"), Column("what", is_text=True)]
    rows = []
    for column in columns:
        kind = column.type + ("?" if column.nullable else "")
        is_said = not column.unit or column.unit in column.description.lower()
        unit = "" if is_said else f" In {column.unit}."
        rows.append((column.name, kind, column.description + unit))
    return table(titles, rows, width)


def _without_empty(content: Any) -> Any:
    """Return the content of a template without empty lists and mappings."""
    if isinstance(content, dict):
        kept = {key: _without_empty(value) for key, value in content.items()}
        return {key: value for key, value in kept.items() if value not in ({}, [])}
    return content


def _digest(name: str, content: dict[str, Any], lines: int, width: int) -> Iterator[Part]:
    """Yield the keys of a long template, with what they hold."""
    rows = []
    for key, value in content.items():
        if isinstance(value, dict | list):
            number = count(len(value), "key" if isinstance(value, dict) else "item")
            rows.append(
                (key, f"{number}: {', '.join(value)}" if isinstance(value, dict) else number)
            )
        elif key not in ("name", "description"):
            rows.append((key, str(value)))
    yield table((Column("key"), Column("what", is_text=True)), rows, width, has_header=False)
    yield f"All {lines} lines:"
    yield Command(f"  {COMMAND} describe {name} | less")


def _validity(result: results.Valid) -> Iterator[Part]:
    held = [name for name in result.scenarios if name != result.name]
    of_them = f" of {', '.join(held)}" if held else ""
    yield (
        text(f"{result.file}: ")
        + text("a valid", _RIGHT)
        + text(f" {result.kind}, {result.name}{of_them}")
    )


def _configuration(result: results.Configuration, width: int) -> RenderableType:
    rows = [
        (setting.name, "" if setting.value is None else str(setting.value), setting.source)
        for setting in result.settings
    ]
    titles = (Column("setting"), Column("value", is_text=True), Column("set by", is_text=True))
    return table(titles, rows, width)


def _scorecard(result: results.Scorecard, width: int) -> Iterator[Part]:
    yield f"{result.database}: {result.workflow}, on {result.platform}"
    judged = (("benchmark", result.benchmarks), ("shape", result.shapes))
    for noun, rows in judged:
        yield _verdict(noun, rows)
    outside = [row for _, rows in judged for row in rows if row.status == "OUTSIDE"]
    if outside:
        yield (
            "The ranges are those of a market, such as the workflow calibration: "
            "a few campaigns can be outside."
        )
        yield ""
        yield _judgements("outside", outside, width, _WRONG)
    for noun, rows in judged:
        inside = [row for row in rows if row.status == "INSIDE"]
        if inside:
            yield ""
            yield _judgements(f"inside: {noun}", inside, width, "")
    rest = [row for _, rows in judged for row in rows if row.status == "NOT_APPLICABLE"]
    if rest:
        yield ""
        yield table(
            (Column("not applicable"), Column("why", is_text=True)),
            [(row.name, row.why_not_applicable or "") for row in rest],
            width,
        )
    if any(not row.is_binding for _, rows in judged for row in rows):
        yield ""
        yield "* is an assumption or a specification, and no verdict counts it."


def _verdict(noun: str, rows: Sequence[results.Judgement]) -> Text:
    applicable = [row for row in rows if row.is_binding and row.status != "NOT_APPLICABLE"]
    inside = sum(row.status == "INSIDE" for row in applicable)
    left = sum(row.status == "NOT_APPLICABLE" for row in rows)
    said = text(
        f"{inside} of {count(len(applicable), noun)} inside",
        _RIGHT if inside == len(applicable) else _WRONG,
    )
    return said + text(f", {left} not applicable" if left else "")


def _judgements(
    title: str, rows: Sequence[results.Judgement], width: int, style: str
) -> RenderableType:
    columns = [
        Column(title), Column("what", is_text=True), Column("measured", is_number=True),
        Column("published", is_number=True), Column("sample", is_number=True),
    ]  # fmt: skip
    cells: list[list[Cell]] = [
        [
            text(row.name + ("" if row.is_binding else " *"), style if row.is_binding else _ODD),
            row.what,
            figure(row.measured_value),
            _range(row),
            "" if row.impressions is None else f"{row.impressions:,}",
        ]
        for row in rows
    ]
    if width < _WIDE:
        del columns[1]
        for row in cells:
            del row[1]
    return table(columns, cells, width)


def _range(row: results.Judgement) -> str:
    low, high = figure(row.low), figure(row.high)
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"to {high}" if high else ""


def _contents(result: Contents, width: int) -> Iterator[Part]:
    run = result.run
    made = f"{run.workflow}, seed {run.seed}, as of {run.as_of_date}" if run else "no run yet"
    yield text(f"{result.database}: ", "bold") + text(made)
    campaigns = result.campaigns
    states = Counter(campaign.status.lower() for campaign in campaigns)
    yield ", ".join(
        [
            count(len(campaigns), "campaign")
            + (f" ({', '.join(f'{n:,} {state}' for state, n in states.items())})" * bool(states)),
            *([f"on {', '.join(sorted({one.platform for one in campaigns}))}"] * bool(campaigns)),
        ]
    )
    if result.first_hour and result.last_hour:
        money: Counter[str] = Counter()
        for campaign in campaigns:
            money[campaign.currency_code] += campaign.spend_micros
        spend = " and ".join(f"{_money(micros)} {code}" for code, micros in sorted(money.items()))
        yield (
            f"{result.first_hour:%Y-%m-%d} to {result.last_hour:%Y-%m-%d} UTC: "
            f"{sum(campaign.impressions for campaign in campaigns):,} impressions, {spend} spent"
        )
    if campaigns:
        yield ""
        yield _campaigns(campaigns[:_MOST_CAMPAIGNS], width)
    if len(campaigns) > _MOST_CAMPAIGNS:
        yield f"and {len(campaigns) - _MOST_CAMPAIGNS:,} more, which --json lists"
    yield ""
    rows = [(held.table, f"{held.rows:,}") for held in result.tables]
    yield table((Column("table"), Column("rows", is_number=True)), rows, width)


def _campaigns(campaigns: Sequence[CampaignHeld], width: int) -> RenderableType:
    rows = []
    for campaign in campaigns:
        has_begun = campaign.status != "SCHEDULED"
        impressions = text(
            f"{campaign.impressions:,}", _WRONG if has_begun and not campaign.impressions else ""
        )
        spend = text(_money(campaign.spend_micros), _ODD if _is_short(campaign) else "")
        budget = f"{_money(campaign.budget_micros)} {campaign.currency_code}"
        budget += " a day" if campaign.budget_type == "DAILY" else ""
        rows.append((campaign, impressions, spend, budget))
    name, seen = Column("campaign", is_text=True), Column("impressions", is_number=True)
    if width >= _WIDE:
        return table(
            (Column("id", is_number=True), name, Column("status"), Column("from"), Column("to"),
             seen, Column("spend", is_number=True), Column("budget", is_number=True)),
            [
                (
                    str(one.campaign_id), one.name, one.status.lower(), str(one.start_date),
                    str(one.end_date), impressions, spend, budget,
                )
                for one, impressions, spend, budget in rows
            ],
            width,
        )  # fmt: skip
    return table(
        (Column("id", is_number=True), name, Column("from\nto"), seen,
         Column("spend\nbudget", is_number=True)),
        [
            (
                str(one.campaign_id), one.name, f"{one.start_date}\n{one.end_date}", impressions,
                spend + text(f"\n{budget}"),
            )
            for one, impressions, spend, budget in rows
        ],
        width,
    )  # fmt: skip


def _is_short(campaign: CampaignHeld) -> bool:
    """Return whether a campaign is over and has not spent its budget."""
    is_over = (campaign.status, campaign.budget_type) == ("COMPLETED", "LIFETIME")
    return is_over and campaign.spend_micros < _LEAST_SPENT * campaign.budget_micros


def _money(micros: int) -> str:
    return f"{Decimal(micros) / _MILLION:,.2f}"


def _build(result: results.Built) -> Iterator[Part]:
    days = (
        f", {result.first_hour:%Y-%m-%d} to {result.last_hour:%Y-%m-%d}"
        if (result.first_hour and result.last_hour)
        else ""
    )
    yield (
        f"{result.database}: {count(result.campaigns, 'campaign')}, "
        f"{result.performance_rows:,} hourly rows{days}"
    )
    tested = f", {count(result.tests, 'test')} passed" if result.tests else ", without tests"
    yield f"{count(result.models, 'model')} built{tested} in {result.seconds:.0f} s"
    option = "" if result.database == Settings().database else f" --database {result.database}"
    yield "Try:"
    yield Command(f"  {COMMAND} status{option}      what the database holds")
    yield Command(f"  {COMMAND} report{option}      charts in one HTML file")
    yield Command(f"  {_first_query(result.database, option)}")


def _first_query(database: str, option: str) -> str:
    """Return a command that asks the marts, of a program that is installed."""
    query = "from marts.dim_campaigns"
    if which("duckdb"):
        return f'duckdb -c "{query}" {database}'
    if COMMAND == NAME:
        return f"{COMMAND} scorecard{option}   the data beside published figures"
    return f"python -c \"import duckdb; duckdb.connect('{database}').sql('{query}').show()\""


def _sum_up(changes: Iterable[str]) -> str:
    counted = Counter(changes)
    return ", ".join(f"{count(number, 'table')} {what}" for what, number in counted.items())
