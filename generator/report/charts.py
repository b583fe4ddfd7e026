"""How each set of rows is drawn: a Vega-Lite specification, what it shows in words, and the columns
of the table that says the same.

Colours follow Okabe and Ito: people with any colour vision can tell them apart, and shapes or
dashes repeat what they say. Text and grid take the colour of the page around them, so that a
chart is right on light and on dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]

BLUE, VERMILION, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4E8F", "#3D9BD4"
DEVICES = {"CTV": BLUE, "MOBILE": VERMILION, "TABLET": GREEN, "DESKTOP": PURPLE}
TIERS = ["1+", "2+", "3+", "5+", "10+"]
# Axes of large numbers; a billion is B to people, G to the formatter.
_SHORT: Spec = {
    "format": "~s",
    "tickCount": 5,
    "labelExpr": "replace(datum.label, 'G', 'B')",
}
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

CONFIG: Spec = {
    "background": None,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.12,
        "domain": False,
        "ticks": False,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleOpacity": 0.75,
        "labelPadding": 6,
        "titlePadding": 10,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": "currentColor",
        "labelFontSize": 12,
        "symbolStrokeWidth": 3,
        "labelLimit": 200,
    },
    "header": {
        "labelColor": "currentColor",
        "labelFontSize": 12,
        "labelFontWeight": "bold",
        "title": None,
        "labelOrient": "top",
        "labelAnchor": "start",
        "labelPadding": 4,
    },
    "text": {"color": "currentColor", "fontSize": 12},
    "range": {"category": [BLUE, VERMILION, GREEN, PURPLE, SKY]},
    "line": {"strokeWidth": 2.25},
    "aria": False,
}


@dataclass(frozen=True)
class Column:
    """A column of a table: the field, its heading, and whether it is text, a day or a number."""

    field: str
    label: str
    kind: str = "number"


@dataclass(frozen=True)
class Chart:
    """A chart and its table. `rows` names its set of rows; `of_one`, where it is given, is drawn
    in place of `spec` when one campaign is chosen, from the rows `of_one_rows`."""

    id: str
    section: str
    title: str
    text: str
    rows: str
    spec: Spec
    columns: tuple[Column, ...]
    wide: bool = False
    of_one: Spec | None = None
    of_one_rows: str | None = None
    of_one_columns: tuple[Column, ...] = ()


def charts(currencies: list[str]) -> list[Chart]:
    """Every chart of the report, in order; money is drawn for each of these currencies."""
    return [
        _plan(currencies),
        _pacing(wide=len(currencies) > 1),
        _funnel(),
        _quartiles(),
        _hours(),
        _reach(),
        _frequency(),
        _creatives("completion", "Completion rate of creatives", "completed views per start"),
        _creatives("clicks", "Click-through rate of creatives", "clicks per impression"),
        _audience(),
        _prices(currencies),
    ]


def _x(name: str, title: str | None, **more: Any) -> Spec:
    return {"field": name, "type": "quantitative", "title": title, **more}


def _day(name: str) -> Spec:
    return {
        "field": name,
        "type": "temporal",
        "title": None,
        "axis": {"format": "%-d %b", "labelFlush": True, "tickCount": 6, "grid": False},
    }


def _tip(*fields: tuple[str, str, str]) -> list[Spec]:
    kinds = {"T": "temporal", "N": "nominal"}
    return [
        {"field": name, "title": title, "type": kinds.get(form, "quantitative")}
        | ({"format": "%-d %B %Y"} if form == "T" else {} if form == "N" else {"format": form})
        for name, title, form in fields
    ]


def _unit(currencies: list[str]) -> str:
    return f", in {currencies[0]}" if len(currencies) == 1 else ""


def _by_currency(spec: Spec, currencies: list[str]) -> Spec:
    """The chart once for each currency, each with its own scale."""
    if len(currencies) == 1:
        return spec
    spec["encoding"]["row"] = {"field": "currency", "type": "nominal", "title": None}
    spec["resolve"] = {"scale": {"y": "independent"}}
    spec["height"] = 130
    return spec


def _plan(currencies: list[str]) -> Chart:
    series = {"planned": "Planned", "spent": "Spent"}
    spec: Spec = {
        "height": 240,
        "transform": [
            {"fold": list(series), "as": ["key", "amount"]},
            {"calculate": "datum.key == 'spent' ? 'Spent' : 'Planned'", "as": "series"},
        ],
        "mark": {"type": "line", "interpolate": "monotone", "tooltip": True},
        "encoding": {
            "x": _day("day"),
            "y": _x("amount", None, axis=_SHORT),
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": ["Spent", "Planned"], "range": [BLUE, VERMILION]},
            },
            "strokeDash": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": ["Spent", "Planned"], "range": [[1, 0], [5, 4]]},
            },
            "tooltip": _tip(("day", "Day", "T"), ("series", "", "N"), ("amount", "Amount", ",.0f")),
        },
    }
    return Chart(
        "plan",
        "spend",
        f"Spend against plan{_unit(currencies)}",
        "Money spent to the end of each day, beside what the booked pacing curve planned.",
        "plan",
        _by_currency(spec, currencies),
        (
            Column("day", "Day", "day"),
            Column("currency", "Currency", "text"),
            Column("spent", "Spent"),
            Column("planned", "Planned"),
        ),
        wide=len(currencies) > 1,
    )


def _pacing(wide: bool) -> Chart:
    band = {"low": 90, "high": 110}
    spec: Spec = {
        "height": 240,
        "layer": [
            {
                "data": {"values": [band]},
                "mark": {"type": "rect", "opacity": 0.13, "color": GREEN},
                "encoding": {
                    "y": _x("low", None, scale={"domain": [60, 140], "clamp": True}),
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "line", "color": BLUE, "opacity": 0.75, "tooltip": True},
                "encoding": {
                    "x": _x(
                        "progress_pct",
                        "Part of the flight that is over, %",
                        scale={"domain": [0, 100]},
                        axis={"grid": False, "tickCount": 5},
                    ),
                    "y": _x(
                        "pacing_index",
                        None,
                        scale={"domain": [60, 140], "clamp": True},
                        axis={"tickCount": 5},
                    ),
                    "detail": {"field": "name", "type": "nominal"},
                    "tooltip": _tip(
                        ("name", "Campaign", "N"),
                        ("progress_pct", "Of the flight, %", ".0f"),
                        ("pacing_index", "Pacing index", ".1f"),
                    ),
                },
            },
        ],
    }
    return Chart(
        "pacing",
        "spend",
        "Pacing index of each campaign",
        "100 × spent / planned to date; 100 is on plan, the band is 90 to 110. One line a "
        "campaign, drawn within 60 to 140.",
        "pacing",
        spec,
        (
            Column("name", "Campaign", "text"),
            Column("progress_pct", "Of the flight, %"),
            Column("pacing_index", "Pacing index"),
        ),
        wide=wide,
    )


def _funnel() -> Chart:
    order = ["Requests", "Responses", "Eligible", "Auctions won", "Impressions"]
    y = {"field": "step", "type": "nominal", "sort": order, "title": None}
    spec: Spec = {
        "height": {"step": 46},
        "transform": [
            {
                "calculate": "replace(format(datum.count, '.3s'), 'G', 'B') + '  ·  '"
                " + format(datum.of_requests_pct, '.1f') + ' %'",
                "as": "label",
            }
        ],
        "layer": [
            {
                "mark": {"type": "bar", "color": BLUE, "cornerRadiusEnd": 3, "height": 22},
                "encoding": {
                    "tooltip": _tip(
                        ("step", "Step", "N"),
                        ("count", "Count", ",.0f"),
                        ("of_requests_pct", "Of requests, %", ".1f"),
                        ("of_step_before_pct", "Of the step before, %", ".1f"),
                    )
                },
            },
            {
                "mark": {"type": "text", "align": "right", "dx": -8, "color": "white"},
                "encoding": {"text": {"field": "label", "type": "nominal"}},
            },
        ],
        "encoding": {"y": y, "x": _x("count", None, axis=None)},
    }
    return Chart(
        "funnel",
        "supply",
        "From ad request to impression",
        "Requests for which the campaigns were a candidate, and what was left at each step; "
        "percent of requests.",
        "funnel",
        spec,
        (
            Column("step", "Step", "text"),
            Column("count", "Count"),
            Column("of_requests_pct", "Of requests, %"),
            Column("of_step_before_pct", "Of the step before, %"),
        ),
    )


def _quartiles() -> Chart:
    by_device = {"field": "device", "type": "nominal"}
    spec: Spec = {
        "height": 240,
        "mark": {"type": "line", "point": {"filled": True, "size": 60}, "tooltip": True},
        "encoding": {
            "x": _x(
                "quartile",
                "Part of the ad that was played, %",
                axis={"values": [0, 25, 50, 75, 100], "grid": False},
            ),
            "y": _x(
                "viewers_pct", None, scale={"zero": False, "nice": True}, axis={"tickCount": 5}
            ),
            "color": by_device | {"scale": {"domain": [*DEVICES], "range": [*DEVICES.values()]}},
            "shape": by_device | {"scale": {"domain": [*DEVICES]}},
            "tooltip": _tip(
                ("device", "Device", "N"),
                ("quartile", "Played, %", ".0f"),
                ("viewers_pct", "Still watching, %", ".2f"),
            ),
        },
    }
    return Chart(
        "quartiles",
        "supply",
        "Viewers who are still watching, by device",
        "Percent of the starts that reached each quartile of the video.",
        "quartiles",
        spec,
        (
            Column("device", "Device", "text"),
            Column("quartile", "Played, %"),
            Column("viewers", "Viewers"),
            Column("viewers_pct", "Of starts, %"),
        ),
    )


def _hours() -> Chart:
    names = " : ".join(
        f"datum.day_of_week == {number} ? '{name}'" for number, name in enumerate(WEEKDAYS, 1)
    )
    spec: Spec = {
        "height": 210,
        "transform": [{"calculate": f"{names} : ''", "as": "weekday"}],
        "mark": {"type": "rect", "tooltip": True},
        "encoding": {
            "x": {
                "field": "hour_of_day",
                "type": "ordinal",
                "title": "Hour of the day, UTC",
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": {"field": "weekday", "type": "ordinal", "sort": WEEKDAYS, "title": None},
            "color": {
                "field": "share_pct",
                "type": "quantitative",
                "scale": {"scheme": "viridis"},
                "legend": {
                    "title": "Percent of all impressions",
                    "titleColor": "currentColor",
                    "titleFontWeight": "normal",
                    "gradientLength": 180,
                    "format": ".2~f",
                },
            },
            "tooltip": _tip(
                ("weekday", "Day", "N"),
                ("hour_of_day", "Hour, UTC", ".0f"),
                ("impressions", "Impressions", ",.0f"),
                ("share_pct", "Of all, %", ".2f"),
            ),
        },
    }
    return Chart(
        "hours",
        "time",
        "Impressions by hour and weekday",
        "When ads were seen, in UTC: an evening in New York is the early morning here.",
        "hours",
        spec,
        (
            Column("day_of_week", "Weekday, 1 is Monday"),
            Column("hour_of_day", "Hour, UTC"),
            Column("impressions", "Impressions"),
            Column("share_pct", "Of all, %"),
        ),
        wide=True,
    )


def _curve(y: str, axis: Spec, tooltip: list[Spec], **more: Any) -> Spec:
    """A line over the impressions to date."""
    return {
        "height": 240,
        "mark": {"type": "line", "interpolate": "monotone", "tooltip": True} | more.pop("mark", {}),
        "encoding": {
            "x": _x("impressions", "Impressions to date", axis=_SHORT),
            "y": _x(y, None, axis=axis),
            "tooltip": tooltip,
        }
        | more,
    }


def _reach() -> Chart:
    day, impressions = ("day", "Until", "T"), ("impressions", "Impressions", ",.0f")
    households = ("households", "Households", ",.0f")
    of_all = _curve(
        "households",
        _SHORT,
        _tip(("name", "Campaign", "N"), day, impressions, households),
        detail={"field": "name", "type": "nominal"},
        mark={"color": BLUE, "opacity": 0.75},
    )
    of_one = _curve(
        "households",
        _SHORT,
        _tip(("tier", "Times", "N"), day, impressions, households),
        color={
            "field": "tier",
            "type": "ordinal",
            "sort": TIERS,
            "scale": {"domain": TIERS, "range": [BLUE, GREEN, "#8A8A00", VERMILION, PURPLE]},
        },
        strokeDash={
            "field": "tier",
            "type": "ordinal",
            "sort": TIERS,
            "scale": {"domain": TIERS, "range": [[1, 0], [8, 3], [5, 3], [3, 3], [1, 3]]},
        },
    )
    return Chart(
        "reach",
        "reach",
        "Households reached",
        "Households with at least one impression, as impressions add up; the curve flattens as the "
        "same households are met again. One line a campaign, the twelve largest; for one campaign "
        "also households met 2, 3, 5 and 10 times.",
        "frequency",
        of_all,
        (
            Column("name", "Campaign", "text"),
            Column("day", "Until", "day"),
            Column("impressions", "Impressions"),
            Column("households", "Households"),
        ),
        of_one=of_one,
        of_one_rows="reach",
        of_one_columns=(
            Column("day", "Until", "day"),
            Column("tier", "Times", "text"),
            Column("impressions", "Impressions"),
            Column("households", "Households"),
        ),
    )


def _frequency() -> Chart:
    return Chart(
        "frequency",
        "reach",
        "Impressions per household",
        "Mean frequency of the households reached so far, as impressions add up.",
        "frequency",
        _curve(
            "frequency",
            {"format": ".1~f", "tickCount": 5},
            _tip(
                ("name", "Campaign", "N"),
                ("day", "Until", "T"),
                ("frequency", "Frequency", ".2f"),
            ),
            detail={"field": "name", "type": "nominal"},
            mark={"color": VERMILION, "opacity": 0.75},
        ),
        (
            Column("name", "Campaign", "text"),
            Column("day", "Until", "day"),
            Column("impressions", "Impressions"),
            Column("frequency", "Frequency"),
        ),
    )


def _creatives(rows: str, title: str, ratio: str) -> Chart:
    y = {
        "field": "label",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 170},
    }
    tooltip = _tip(
        ("label", "Creative", "N"),
        ("placement", "Placement", "N"),
        ("campaign_name", "Campaign", "N"),
        ("rate_pct", "Rate, %", ".3f"),
        ("low_pct", "at least", ".3f"),
        ("high_pct", "at most", ".3f"),
    )
    spec: Spec = {
        "height": {"step": 24},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": BLUE, "opacity": 0.45},
                "encoding": {
                    "x": _x(
                        "low_pct",
                        "Percent",
                        scale={"zero": False, "nice": True},
                        axis={"tickCount": 4},
                    ),
                    "x2": {"field": "high_pct"},
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "color": BLUE, "opacity": 1},
                "encoding": {"x": _x("rate_pct", "Percent"), "tooltip": tooltip},
            },
        ],
        "encoding": {"y": y},
    }
    return Chart(
        f"creatives-{rows}",
        "creatives",
        title,
        f"Percent ({ratio}), with 95 % confidence intervals (Wilson). The largest creatives first.",
        rows,
        spec,
        (
            Column("label", "Creative", "text"),
            Column("placement", "Placement", "text"),
            Column("campaign_name", "Campaign", "text"),
            Column("trials", "Out of"),
            Column("rate_pct", "Rate, %"),
            Column("low_pct", "At least, %"),
            Column("high_pct", "At most, %"),
        ),
    )


def _audience() -> Chart:
    spec: Spec = {
        "height": {"step": 18},
        "transform": [{"calculate": "100", "as": "population"}],
        "mark": {"type": "bar", "height": 11, "tooltip": True},
        "encoding": {
            "x": _x(
                "index",
                "Index; 100 is the platform's population",
                scale={"type": "log", "domain": [25, 400], "clamp": True},
                axis={"values": [25, 50, 75, 100, 150, 200, 400]},
            ),
            "x2": {"field": "population"},
            "y": {"field": "segment_name", "type": "nominal", "sort": None, "title": None},
            "row": {
                "field": "dimension_name",
                "type": "nominal",
                "sort": ["Age", "Gender", "Life stage", "Interest", "Genre"],
                "title": None,
            },
            "color": {
                "condition": {"test": "datum.index < 100", "value": VERMILION},
                "value": BLUE,
            },
            "tooltip": _tip(
                ("segment_name", "Segment", "N"),
                ("index", "Index", ".1f"),
                ("share_pct", "Of impressions, %", ".2f"),
                ("population_pct", "Of the platform's viewing, %", ".2f"),
            ),
        },
        "resolve": {"scale": {"y": "independent"}},
        "spacing": 14,
    }
    return Chart(
        "audience",
        "audience",
        "Who was reached more than the platform's population",
        "Index of each segment: 100 × its share of impressions / its share of the platform's "
        "viewing. Right of 100 is more than the population, left is less; drawn within 25 to 400.",
        "audience",
        spec,
        (
            Column("dimension_name", "By", "text"),
            Column("segment_name", "Segment", "text"),
            Column("impressions", "Impressions"),
            Column("share_pct", "Of impressions, %"),
            Column("population_pct", "Of viewing, %"),
            Column("index", "Index"),
        ),
        wide=True,
    )


def _prices(currencies: list[str]) -> Chart:
    types = ["Direct IO", "Programmatic guaranteed", "Preferred deal", "Private auction"]
    by_type = {"field": "buy_type_name", "type": "nominal"}
    spec: Spec = {
        "height": 240,
        "mark": {"type": "line", "point": {"filled": True, "size": 55}, "tooltip": True},
        "encoding": {
            "x": {
                "field": "month",
                "type": "temporal",
                "timeUnit": "utcyearmonth",
                "title": None,
                "axis": {"format": "%b %Y", "grid": False, "tickCount": "month"},
            },
            "y": _x("cpm", None, scale={"zero": False, "nice": True}, axis={"tickCount": 5}),
            "color": by_type | {"scale": {"domain": types, "range": [*DEVICES.values()]}},
            "shape": by_type | {"scale": {"domain": types}},
            "tooltip": _tip(
                ("buy_type_name", "Bought as", "N"),
                ("month", "Month", "T"),
                ("cpm", "Price per thousand", ",.2f"),
                ("impressions", "Impressions", ",.0f"),
            ),
        },
    }
    return Chart(
        "prices",
        "prices",
        f"Price per thousand impressions by month{_unit(currencies)}",
        "Effective CPM: 1000 × spend / impressions, by how the inventory was bought.",
        "prices",
        _by_currency(spec, currencies),
        (
            Column("month", "Month", "day"),
            Column("buy_type_name", "Bought as", "text"),
            Column("currency", "Currency", "text"),
            Column("impressions", "Impressions"),
            Column("spend", "Spend"),
            Column("cpm", "Price per thousand"),
        ),
        wide=True,
    )
