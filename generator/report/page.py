"""The report as one HTML file: text, tables and tiles made here, charts drawn by the page itself.

Names come from data and are never trusted: Jinja escapes them in HTML, and the JSON of the charts
has no `<` in it, so that no name can end the element it stands in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.resources import files
from math import isfinite, sqrt
from typing import Any

from generator import __version__
from generator.extras import packages_of
from generator.report.charts import CONFIG, Chart, charts
from generator.report.queries import ALL, Marts, Row

with packages_of("report", "the report"):
    import vl_convert
    from jinja2 import Environment, StrictUndefined

_SECTIONS = {
    "spend": "Spend and pacing",
    "supply": "Supply and video",
    "time": "Time of day",
    "reach": "Reach and frequency",
    "creatives": "Creatives",
    "audience": "Audience",
    "prices": "Prices",
}
_DIMENSIONS = {
    "AGE_RANGE": "Age",
    "GENDER": "Gender",
    "LIFE_STAGE": "Life stage",
    "INTEREST_CATEGORY": "Interest",
    "CONTENT_GENRE": "Genre",
}
_95_PERCENT = 1.959964
# Of many currencies, the ones with most impressions are drawn where all campaigns are shown.
_MOST_CURRENCIES = 3


def html(marts: Marts) -> str:
    """The whole file."""
    currencies = [row["currency"] for row in marts["money"] if row["campaign"] == ALL]
    currencies = currencies[:_MOST_CURRENCIES]
    drawn = charts(currencies)
    data = _data(marts, drawn, currencies)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"count": _count, "figure": _figure, "words": _words}
    campaigns = marts["campaigns"]
    return environment.from_string(_file("page.html.j2")).render(
        version=__version__,
        style=_file("report.css"),
        script=_file("report.js"),
        library=_library(),
        data=_in_html(data),
        sections={
            key: (title, [chart for chart in drawn if chart.section == key])
            for key, title in _SECTIONS.items()
        },
        campaigns=[campaign for campaign in campaigns if campaign["has_detail"]],
        number_of_campaigns=len(campaigns),
        currencies=currencies,
        number_of_currencies=len({row["currency"] for row in campaigns}),
        run=marts["run"][0],
        scorecard=[_with_range(row) for row in marts["scorecard"]],
        shapes=[_with_range(row) for row in marts["shapes"]],
        invariants=marts["invariants"],
        faults=marts["faults"],
        verdict=verdict(marts["scorecard"]),
    )


def verdict(scorecard: Iterable[Row]) -> dict[str, int]:
    """How many benchmarks are inside, outside and not applicable, and of the binding ones."""
    rows = list(scorecard)
    binding = [row for row in rows if row["is_binding"] and row["status"] != "NOT_APPLICABLE"]
    return {
        "inside": sum(row["status"] == "INSIDE" for row in rows),
        "outside": sum(row["status"] == "OUTSIDE" for row in rows),
        "not_applicable": sum(row["status"] == "NOT_APPLICABLE" for row in rows),
        "binding": len(binding),
        "binding_inside": sum(row["status"] == "INSIDE" for row in binding),
    }


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % confidence interval of a rate (Wilson 1927). `trials` is at least 1."""
    square = _95_PERCENT * _95_PERCENT
    rate = successes / trials
    centre = (rate + square / (2 * trials)) / (1 + square / trials)
    spread = rate * (1 - rate) / trials + square / (4 * trials * trials)
    half = _95_PERCENT * sqrt(spread) / (1 + square / trials)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _data(marts: Marts, drawn: list[Chart], currencies: list[str]) -> dict[str, Any]:
    def in_money(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["campaign"] != ALL or row["currency"] in currencies]

    names = {row["campaign"]: row["name"] for row in marts["campaigns"]}
    rows = {
        "campaigns": [row | {"bought_as": _words(row["buy_type"])} for row in marts["campaigns"]],
        "plan": in_money(marts["plan"]),
        "pacing": marts["pacing"],
        "funnel": marts["funnel"],
        "quartiles": marts["quartiles"],
        "hours": marts["hours"],
        "reach": marts["reach"],
        "frequency": marts["frequency"],
        "completion": _rates(marts["creatives"], "video_q100", "video_starts", names),
        "clicks": _rates(marts["creatives"], "clicks", "impressions", names),
        "audience": [
            row
            | {
                "dimension_name": _DIMENSIONS[row["dimension"]],
                "segment_name": _words(row["segment"]),
            }
            for row in marts["audience"]
        ],
        "prices": [
            row | {"buy_type_name": _words(row["buy_type"])} for row in in_money(marts["prices"])
        ],
    }
    return {
        "config": CONFIG,
        "charts": [asdict(chart) for chart in drawn],
        "rows": {name: _columnar(each) for name, each in rows.items()},
        "tiles": _tiles(marts),
    }


def _rates(creatives: list[Row], successes: str, trials: str, names: dict[int, str]) -> list[Row]:
    """The creatives with a rate in percent and its interval; those without trials are left out."""
    result = []
    for row in creatives:
        if row[trials]:
            low, high = wilson(row[successes], row[trials])
            length = f", {row['duration_seconds']} s" if row["duration_seconds"] else ""
            result.append(
                {
                    "campaign": row["campaign"],
                    "label": f"{row['name']} #{row['creative_id']}",
                    "placement": f"{_words(row['placement'])}{length}",
                    "campaign_name": names.get(row["of_campaign"], ""),
                    "trials": row[trials],
                    "rate_pct": 100 * row[successes] / row[trials],
                    "low_pct": 100 * low,
                    "high_pct": 100 * high,
                }
            )
    return result


def _tiles(marts: Marts) -> dict[int, list[dict[str, str]]]:
    """What the tiles say for each campaign, and for all together."""
    money: dict[int, list[Row]] = {}
    for row in marts["money"]:
        money.setdefault(row["campaign"], []).append(row)
    last = {row["campaign"]: row for row in marts["frequency"] if row["campaign"] != ALL}
    return {
        row["campaign"]: [
            {"label": label, "value": value, "note": note}
            for label, value, note in _tiles_of(row, money.get(row["campaign"], []), last)
        ]
        for row in marts["totals"]
    }


def _tiles_of(row: Row, money: list[Row], last: dict[int, Row]) -> Iterable[tuple[str, str, str]]:
    yield "Impressions", _short(row["impressions"]), _count(row["impressions"])
    for amount in money[:2]:
        spent = _percent(amount["spend"], amount["budget"], 1)
        yield (
            f"Spend, {amount['currency']}",
            _short(amount["spend"]),
            f"{spent} of the budget" if spent else "",
        )
    if len(money) == 1:
        cpm = 1000 * money[0]["spend"] / money[0]["impressions"] if money[0]["impressions"] else 0
        yield f"Effective CPM, {money[0]['currency']}", f"{cpm:,.2f}", "per thousand impressions"
    elif len(money) > 2:
        yield "Currencies", str(len(money)), "amounts are never added across them"
    yield (
        "Completion rate",
        _percent(row["video_q100"], row["video_starts"], 1) or "–",
        "completed views / starts",
    )
    yield "Click-through rate", _percent(row["clicks"], row["impressions"], 3) or "–", "all devices"
    viewable = _percent(row["viewable_impressions"], row["measurable_impressions"], 1)
    yield "Viewability", viewable or "–", "of measurable impressions"
    if row["campaign"] in last:
        reached = last[row["campaign"]]
        yield (
            "Reach",
            _short(reached["households"]),
            f"households, {reached['frequency']:.2f} times each",
        )


def _with_range(row: Row) -> Row:
    """A judged row with the places, in percent of a drawn scale, of its range, point and value.

    The scale shows the range with its own width on either side; a value further out stands at the
    edge. An order has no scale.
    """
    low, high, value = row["low"], row["high"], row["measured_value"]
    if low is None or high is None or low >= high:
        return row | {"scale": None}
    width = high - low

    def place(figure: float | None) -> float | None:
        if figure is None or not isfinite(figure):
            return None
        return round(min(max(100 * (figure - low + width) / (3 * width), 1.5), 98.5), 1)

    return row | {"scale": {"value": place(value), "point": place(row.get("point"))}}


def _columnar(rows: list[Row]) -> dict[str, list[Any]]:
    """Rows as their column names and values: half the size, since names stand once."""
    fields = list(rows[0]) if rows else []
    return {"fields": fields, "rows": [list(row.values()) for row in rows]}


def _in_html(data: dict[str, Any]) -> str:
    """JSON that cannot leave the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _library() -> str:
    """Vega, Vega-Lite and vega-embed, bundled in the package that carries them."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _file(name: str) -> str:
    return files("generator.report").joinpath(name).read_text(encoding="utf-8")


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _short(number: float) -> str:
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.0f}"


def _percent(part: float, whole: float | None, decimals: int) -> str:
    return f"{100 * part / whole:.{decimals}f} %" if whole else ""


def _figure(number: float | None) -> str:
    """A measured figure with as many digits as say something."""
    if number is None:
        return "–"
    return f"{number:,.4g}" if abs(number) >= 0.001 or not number else f"{number:.2g}"


def _words(name: str) -> str:
    """CONTENT_GENRE → Content genre; CTV, IO, VAST and their kin stay as they are."""
    if not name.isupper() or len(name) <= 3:
        return name
    words = name.replace("_", " ").capitalize().replace(" io", " IO")
    return words.replace("Sci fi", "Sci-fi").replace(" roll", "-roll").replace("Vast", "VAST")
