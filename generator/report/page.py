"""The report as one HTML file: its data, and the realism tables. The page itself draws the charts.

Names come from data and are never trusted: Jinja escapes them in HTML, and the JSON of the charts
has no `<` in it, so that no name can end the element that it is in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.resources import files
from math import floor, isfinite, log10
from typing import Any

from generator import __version__
from generator.enums import Device
from generator.extras import packages_of
from generator.report.queries import Marts, Row

with packages_of("report", "the report"):
    import vl_convert
    from jinja2 import Environment, StrictUndefined

# By which a report is known for one, in its head.
MARK = '<meta name="generator" content="streaming-ads report">'
# In the order in which they build on one another.
_SCRIPTS = ("model.js", "charts.js", "story.js", "report.js")
_DIMENSIONS = {
    "AGE_RANGE": "Age",
    "GENDER": "Gender",
    "LIFE_STAGE": "Life stage",
    "INTEREST_CATEGORY": "Interest",
    "CONTENT_GENRE": "Genre",
}
_METRICS = {
    "ctr": "Click-through rate",
    "video_completion_rate": "Completion rate",
    "qr_scan_rate": "QR scan rate",
    "interactive_rate": "Interaction rate",
    "viewability_rate": "Viewability",
    "audibility_rate": "Audibility",
    "invalid_traffic_rate": "Invalid traffic",
    "effective_cpm": "Price per thousand impressions",
    "auction_win_rate": "Auction win rate",
    "post_view_share": "Conversions after a view",
    "click_conversion_rate": "Conversions per click",
}
# How the benchmarks name a part of the data, and how a reader does.
_SEGMENTS = {
    r"device!=": "not on ",
    r"device=": "on ",
    r"placement=": "",
    r"platform=\w+( USD)?(, )?": "",
    r"^ratio ": "",
    r"max\((\w+) (\w+)\)": r"\1 and \2",
    r"^all$": "",
    r"(?<=\w)/(?=\w)": " / ",
}
_UPPER_CASE = r"\b(?!CTV\b|QR\b|VAST\b)[A-Z]{3,}(_[A-Z]+)*\b"


def html(marts: Marts) -> str:
    """Return the whole file."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "count": _count,
        "day": _day,
        "figure": _figure,
        "metric": _metric,
        "segment": _segment,
        "words": _words,
    }
    return environment.from_string(_file("page.html.j2")).render(
        version=__version__,
        style=_file("report.css"),
        script="\n".join(map(_file, _SCRIPTS)),
        library=_library(),
        data=_in_html(_data(marts)),
        number_of_campaigns=sum(row["campaigns"] for row in marts["campaigns"]),
        number_shown=sum(row["campaign"] > 0 for row in marts["campaigns"]),
        run=marts["run"][0],
        scorecard=[_with_range(row) for row in marts["scorecard"]],
        shapes=[_with_range(row) for row in marts["shapes"]],
        invariants=marts["invariants"],
        faults=marts["faults"],
        verdict=verdict(marts["scorecard"]),
    )


def verdict(scorecard: Iterable[Row]) -> dict[str, int]:
    """Return how many benchmarks have each verdict, and how many of the binding ones are inside."""
    rows = list(scorecard)
    binding = [row for row in rows if row["is_binding"] and row["status"] != "NOT_APPLICABLE"]
    return {
        "inside": sum(row["status"] == "INSIDE" for row in rows),
        "outside": sum(row["status"] == "OUTSIDE" for row in rows),
        "not_applicable": sum(row["status"] == "NOT_APPLICABLE" for row in rows),
        "binding": len(binding),
        "binding_inside": sum(row["status"] == "INSIDE" for row in binding),
    }


def _data(marts: Marts) -> dict[str, Any]:
    """Return the tables that the page adds up; `day` is a place in the list of days."""
    by_day = (
        "facts",
        "conversions",
        "creative_facts",
        "pacing",
        "reach",
        "hours",
        "audience",
        "market",
        "log_reach",
        "log_day",
    )
    days = sorted({row["day"] for name in by_day for row in marts[name]})
    places = {day: place for place, day in enumerate(days)}

    def placed(name: str) -> list[Row]:
        return [row | {"day": places[row["day"]]} for row in marts[name]]

    audience = _series(placed("audience"), ("campaign", "dimension", "segment", "population"))
    tables = {
        "campaigns": [
            row | {"buy_type": row["buy_type"] and _words(row["buy_type"])}
            for row in marts["campaigns"]
        ],
        "facts": placed("facts"),
        "conversions": placed("conversions"),
        "creatives": [row | {"placement": _words(row["placement"])} for row in marts["creatives"]],
        "creative_facts": placed("creative_facts"),
        "pacing": placed("pacing"),
        "changes": [
            row | {name: _words(row[name]) for name in ("what", "reason")}
            for row in marts["changes"]
        ],
        "incidents": [
            {key: value for key, value in row.items() if key != "keys"}
            | {"what": _words(row["what"]), "subject": _subject(row["keys"])}
            for row in marts["incidents"]
        ],
        "market": placed("market"),
        "reach": placed("reach"),
        "attribution": [row | {"type": _words(row["type"])} for row in marts["attribution"]],
        "lift": [
            row
            | {name: _words(row[name]) for name in ("type", "method")}
            | {"covers": "✓ yes" if row["covers"] else "no"}
            for row in marts["lift"]
        ],
        "log_frequency": marts["log_frequency"],
        "log_reach": placed("log_reach"),
        "log_overlap": marts["log_overlap"],
        "log_day": [
            row | {name: _words(row[name]) for name in ("genre", "event")}
            for row in placed("log_day")
        ],
        "hours": _series(placed("hours"), ("campaign", "hour")),
        "audience": [
            row | {"dimension": _DIMENSIONS[row["dimension"]], "segment": _words(row["segment"])}
            for row in audience
        ],
    }
    run = marts["run"][0]
    return {
        "days": days,
        "first_day": run["first_day"],
        "last_day": run["last_day"],
        "tolerance": run["tolerance"],
        "devices": {device: _words(device) for device in Device},
        "tables": {name: _columnar(rows) for name, rows in tables.items()},
    }


def _series(rows: list[Row], keys: tuple[str, ...]) -> list[Row]:
    """Return one row for each key, with the impressions of each day from `first_day` on.

    The rows come sorted by key and day.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        series = found.setdefault(
            key, dict(zip(keys, key, strict=True)) | {"first_day": row["day"], "impressions": []}
        )
        gap = row["day"] - series["first_day"] - len(series["impressions"])
        series["impressions"] += [0] * gap + [row["impressions"]]
    return list(found.values())


def _subject(keys: str) -> str | None:
    """Return what an incident happened to, from its keys in the log; None for a campaign's own, and
    for faults, of which the log says no subject."""
    match json.loads(keys).get("subject"):
        case [str()]:
            return "Whole platform"
        case [str(), str() as part]:
            return _words(part)
    return None


def _with_range(row: Row) -> Row:
    """Return a judged row with the places, in percent of a scale, of its range, point and value.

    The scale shows the range with its own width on either side. An arrow marks a value that is
    further out. An order has no scale. Percent is written as everywhere in the report: 5%.
    """
    row = {key: re.sub(r"(?<=\d) %", "%", v) if isinstance(v, str) else v for key, v in row.items()}
    low, high, value = row["low"], row["high"], row["measured_value"]
    if low is None or high is None or low >= high:
        return row | {"scale": None}
    width = high - low

    def place(figure: float | None) -> float | None:
        if figure is None or not isfinite(figure):
            return None
        return round(100 * (figure - low + width) / (3 * width), 1)

    return row | {"scale": {"value": place(value), "point": place(row.get("point"))}}


def _columnar(rows: list[Row]) -> dict[str, list[Any]]:
    """Return rows as column names and values: half the size, as each name is written once."""
    fields = list(rows[0]) if rows else []
    return {"fields": fields, "rows": [list(row.values()) for row in rows]}


def _in_html(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that it is in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _library() -> str:
    """Return Vega, Vega-Lite and vega-embed, bundled in the package that carries them."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _file(name: str) -> str:
    return files("generator.report").joinpath(name).read_text(encoding="utf-8")


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _day(day: str) -> str:
    year, month, number = day.split("-")
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{int(number)} {months[int(month) - 1]} {year}"


def _figure(number: float | None, row: Row | None = None) -> str:
    """Return three digits that say something, in the unit of the judged row."""
    if number is None:
        return "–"
    unit, high = (row["unit"], row["high"]) if row else ("", None)
    if unit == "ratio" and high is not None and high <= 1 and "metric" in (row or {}):
        return f"{_digits(100 * number)}%"
    return f"${number:,.2f}" if unit == "USD" else _digits(number)


def _digits(number: float) -> str:
    """Return a number with three digits that count, or all digits before the point."""
    decimals = 2 - floor(log10(abs(number))) if number else 0
    text = f"{number:,.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _metric(name: str) -> str:
    return _METRICS.get(name) or name[:1].upper() + name[1:]


def _segment(name: str) -> str:
    """Return device!=CTV as "not on CTV", placement=MID_ROLL as "mid-roll"."""
    for pattern, words in _SEGMENTS.items():
        name = re.sub(pattern, words, name)
    return re.sub(_UPPER_CASE, lambda found: _words(found[0]).lower(), name)


def _words(name: str) -> str:
    """Return CONTENT_GENRE as "Content genre"; CTV, IO, VAST and other short names stay."""
    if not name.isupper() or len(name) <= 3:
        return name
    words = name.replace("_", " ").capitalize().replace(" io", " IO")
    return words.replace("Sci fi", "Sci-fi").replace(" roll", "-roll").replace("Vast", "VAST")
