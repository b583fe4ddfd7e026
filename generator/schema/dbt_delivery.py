"""What dbt knows of the delivery columns, derived from `delivery_columns`.

Two files are written whole: the macros of the sums and formulas, and the text of every metric.
Elsewhere only a block of a file is written, between the lines

    # >>> NAME: written by `make sources`
    # <<< NAME

(in Markdown `[//]: # (>>> NAME: …)`, which dbt's pages do not show, as they do a comment of HTML),
and the rest of the file is by hand: a mart keeps its description, its keys and its own tests beside
the columns that all delivery marts have. A test fails when a committed file is out of step.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from generator.enums import Device
from generator.schema.delivery_columns import (
    CONVERSION_FACTS,
    CONVERSION_METRICS,
    DELIVERY_FACTS,
    DELIVERY_METRICS,
    HELPERS,
    OTHER_METRICS,
    DeliveryFact,
    Metric,
    delivery_facts,
    delivery_metrics,
    raw_counts,
)

_WRITTEN = "Written by `make sources` from generator/schema/delivery_columns.py: change that file."
_SEMANTIC_LAYER = "{enabled: \"{{ var('semantic_layer_enabled') }}\"}"
_BLOCK = re.compile(
    r"^(?P<first>(?P<indent> *)(?:#|\[//\]: #) \(?>>> (?P<name>[\w ]+): .*\n\n?)"
    r"(?:.*\n)*?"
    r"(?P<last>\n?(?P=indent)(?:#|\[//\]: #) \(?<<< (?P=name)\b.*$)",
    re.MULTILINE,
)


# What campaigns that count conversions delivered, as measures beside those of all campaigns.
_TRACKED = {
    "impressions": "tracked_impressions",
    "clicks": "tracked_clicks",
    "spend": "tracked_spend",
}
_NO_NAMES: Mapping[str, str] = {}


class BlockError(ValueError):
    """A block that cannot be written; the text says which one, and in which file."""


def macros_sql() -> str:
    """Return the text of `macros/delivery_columns.sql`."""
    metrics = delivery_metrics()
    names = [fact.name for fact in delivery_facts()]
    macros = (
        _list_macro(
            "raw_counts",
            "What adds up in raw performance; money is in micros.",
            [column.name for column in raw_counts()],
        ),
        _list_macro("delivery_facts", "What adds up in every delivery mart.", names),
        _list_macro("devices", "The devices of `Device` in generator/enums.py.", Device),
        _select_macro(
            "select_sums",
            "The sums of the facts of a finer delivery mart.",
            {
                "": [
                    f'{{{{ {fact.sum_macro}("{fact.name}") }}}} as {fact.name}'
                    for fact in delivery_facts()
                ]
            },
        ),
        _select_macro(
            "select_facts",
            "The facts, in the order of the columns.",
            {f"-- facts: {group}": _names(facts) for group, facts in DELIVERY_FACTS.items()},
        ),
        _select_macro(
            "select_metrics",
            "The metrics, in the order of the columns.",
            {
                f"-- metrics: {group}": [
                    f'{{{{ metric("{metric.name}") }}}} as {metric.name}' for metric in of_group
                ]
                for group, of_group in DELIVERY_METRICS.items()
            },
        ),
        _formula_macro(
            "metric_formulas",
            "Numerator and denominator of each metric of delivery. A coarser grain sums the facts "
            "and asks\n    for the same metric again: always a ratio of sums, never an average of "
            "ratios.",
            metrics,
        ),
        _formula_macro(
            "further_formulas",
            "The metrics of conversions, pacing, reach and audience.",
            (*CONVERSION_METRICS, *OTHER_METRICS),
        ),
    )
    return f"{{#- {_WRITTEN} -#}}\n\n" + "\n\n".join(macros) + "\n"


def metrics_markdown() -> str:
    """Return the text of `_metrics.md`: a doc block per metric, and per fact that raw lacks."""
    described = (*delivery_facts(), *CONVERSION_FACTS)
    all_metrics = (*delivery_metrics(), *CONVERSION_METRICS, *OTHER_METRICS)
    facts = [(fact.name, fact.description) for fact in described if fact.description]
    metrics = [(metric.name, metric.text) for metric in all_metrics]
    blocks = [
        f"{{% docs {name} %}}\n{textwrap.fill(text, 100)}\n{{% enddocs %}}\n"
        for name, text in (*facts, *metrics)
    ]
    return f"{{# {_WRITTEN} #}}\n\n" + "\n".join(blocks)


def blocks() -> dict[str, str]:
    """Return the text of each block by its name, not indented."""
    facts = delivery_facts()
    metrics = delivery_metrics()
    sums = [_column(fact.name, fact.doc, fact.sum_type) for fact in facts]
    conversion_sums = [_column(fact.name, fact.doc, fact.sum_type) for fact in CONVERSION_FACTS]
    return {
        "raw counts": "\n".join(
            _column(column.name, f"performance_hourly__{column.name}") for column in raw_counts()
        ),
        "facts": "\n".join(_column(fact.name, fact.doc, fact.row_type) for fact in facts),
        "sums": "\n".join(sums),
        "sums and metrics": "\n".join(
            sums + [_column(metric.name, metric.name, "double precision") for metric in metrics]
        ),
        "conversions and metrics": "\n".join(
            conversion_sums
            + [_column(one.name, one.name, "double precision") for one in CONVERSION_METRICS]
        ),
        "tests of facts": _yaml(_fact_tests(facts)),
        "tests of metrics": _yaml(_metric_tests(metrics)),
        "tests of conversion metrics": _yaml(_metric_tests(CONVERSION_METRICS, "conversion_")),
        "facts at zero": "\n".join(f"{fact.name}: 0" for fact in facts),
        "metrics at null": "\n".join(f"{metric.name}: null" for metric in metrics),
        "measures": "\n".join([*_measures(facts), *_helper_measures()]),
        "ratios": "\n\n".join(map(_ratio, metrics)),
        "measures of conversions": "\n".join([*_measures(CONVERSION_FACTS), *_tracked_measures()]),
        "ratios of conversions": "\n\n".join(
            _ratio(metric, _TRACKED) for metric in CONVERSION_METRICS
        ),
        "table of metrics": "\n".join(_table([*metrics, *CONVERSION_METRICS, *OTHER_METRICS])),
    }


def with_blocks(text: str, name: str) -> str:
    """Return the text of a file with its blocks up to date.

    Raises BlockError where a block has no end or is not known, with the file's name.
    """
    known = blocks()

    def render(found: re.Match[str]) -> str:
        if found["name"] not in known:
            options = ", ".join(known)
            raise BlockError(f"{name}: no block is called '{found['name']}'; there are {options}")
        body = textwrap.indent(known[found["name"]], found["indent"])
        return f"{found['first']}{body}\n{found['last']}"

    result, number = _BLOCK.subn(render, text)
    if number != len(re.findall(r"# \(?>>> ", text)):
        raise BlockError(f"{name}: a block that begins with >>> has no end, <<< and its name")
    return result


def without_blocks(text: str) -> str:
    """Return the text of a file without the contents of its blocks."""
    return _BLOCK.sub(lambda found: f"{found['first']}{found['last']}", text)


def delivery_files(project: Path) -> dict[str, str]:
    """Return the files that a dbt project needs for the delivery columns: text by path in the
    project."""
    files = {
        "macros/delivery_columns.sql": macros_sql(),
        "models/marts/_metrics.md": metrics_markdown(),
    }
    for file in sorted((project / "models").rglob("*.*")):
        if file.suffix in {".yml", ".md"} and ">>> " in (text := file.read_text("utf-8")):
            files[file.relative_to(project).as_posix()] = with_blocks(text, file.name)
    return files


def _names(columns: Iterable[DeliveryFact | Metric]) -> list[str]:
    return [column.name for column in columns]


def _list_macro(name: str, comment: str, names: Iterable[str]) -> str:
    items = textwrap.fill(", ".join(f'"{one}"' for one in names), 92)
    return (
        f"{{#- {comment} -#}}\n{{% macro {name}() %}}\n    {{{{ return([\n"
        f"{textwrap.indent(items, ' ' * 8)},\n    ]) }}}}\n{{% endmacro %}}"
    )


def _select_macro(name: str, comment: str, groups: Mapping[str, list[str]]) -> str:
    """Return a macro of select items at the depth of a select in a CTE, grouped under comments."""
    texts = ["\n".join(filter(None, (title, ",\n".join(items)))) for title, items in groups.items()]
    body = textwrap.indent(",\n\n".join(texts), " " * 8)
    return f"{{#- {comment} -#}}\n{{% macro {name}() -%}}\n{body}\n{{%- endmacro %}}"


def _formula_macro(name: str, comment: str, metrics: Iterable[Metric]) -> str:
    lines = [
        f'        "{metric.name}": ({_jinja(metric.scaled_numerator)}, '
        f"{_jinja(_in_parentheses(metric.denominator))}),\n"
        for metric in metrics
    ]
    return (
        f"{{#-\n    {comment}\n-#}}\n{{% macro {name}() %}}\n    {{{{ return({{\n"
        f"{''.join(lines)}    }}) }}}}\n{{% endmacro %}}"
    )


def _in_parentheses(sql: str) -> str:
    return f"({sql})" if " " in sql else sql


def _jinja(sql: str) -> str:
    """Return SQL as a Jinja string, with the adapter's name of the 64-bit float."""
    return f'"{sql}"'.replace("double precision", '" ~ type_double() ~ "')


def _column(name: str, doc: str, data_type: str = "") -> str:
    lines = [f"- name: {name}", f"  description: \"{{{{ doc('{doc}') }}}}\""]
    return "\n".join([*lines, f"  data_type: {data_type}"] if data_type else lines)


def _yaml(content: object) -> str:
    """Return YAML with the innermost lists on one line each, folded."""
    return yaml.safe_dump(content, sort_keys=False, width=72, default_flow_style=None).rstrip("\n")


def _fact_tests(facts: list[DeliveryFact]) -> list[dict[str, Any]]:
    """Return the tests of facts in the finest mart: present, not negative, and equal to staging."""
    raw = [column.name for column in raw_counts() if column.name != "spend_micros"]
    return [
        _test("not_null_columns", "facts_are_there_performance_hourly", columns=_names(facts)),
        _test("finite", "nothing_is_negative_performance_hourly", columns=_names(facts)),
        _test(
            "reconciles",
            "reconciles_fct_performance_hourly_with_stg_ads__performance_hourly",
            to="ref('stg_ads__performance_hourly')",
            by=["line_item_id", "activity_date"],
            to_by=["line_item_id", "cast(hour_ts as date)"],
            measures=[1, "spend", *raw],
            to_measures=[1, "spend_micros * 0.000001", *raw],
        ),
    ]


def _metric_tests(metrics: Sequence[Metric], prefix: str = "") -> list[dict[str, Any]]:
    """Return one test of all metrics that have the same bound."""
    bounds = {metric.at_most: None for metric in metrics}
    tests = []
    for bound in bounds:
        columns = [metric.name for metric in metrics if metric.at_most == bound]
        limit = {} if bound is None else {"at_most": bound}
        name = "metrics_are_finite" if bound is None else f"metrics_are_at_most_{bound}"
        tests.append(_test("finite", prefix + name, columns=columns, **limit))
    return tests


def _test(kind: str, name: str, **arguments: object) -> dict[str, Any]:
    return {kind: {"name": name, "arguments": arguments}}


def _label(name: str, label: str) -> str:
    return label or name.replace("_", " ").capitalize()


def _measures(facts: Iterable[DeliveryFact]) -> Iterable[str]:
    for fact in facts:
        yield _measure(fact.name, _label(fact.name, fact.label), f"\"{{{{ doc('{fact.doc}') }}}}\"")


def _helper_measures() -> Iterable[str]:
    for sql, helper in HELPERS.items():
        label = _label(helper.name, "")
        yield f"{_measure(helper.name, label, helper.description)}\n  expr: {sql}"


def _tracked_measures() -> Iterable[str]:
    """Yield what is delivered by campaigns that count conversions, under separate names."""
    for name, tracked in _TRACKED.items():
        text = f"The {name} of campaigns that count conversions."
        yield f"{_measure(tracked, _label(tracked, ''), text)}\n  expr: {name}"


def _measure(name: str, label: str, description: str) -> str:
    return (
        f"- name: {name}\n  label: {label}\n  description: {description}\n"
        "  agg: sum\n  create_metric: true"
    )


def _measure_of(sql: str, renamed: Mapping[str, str]) -> str:
    """Return the name of the measure of one side of a ratio: its column, or a helper."""
    if " " in sql and sql not in HELPERS:
        raise BlockError(f"HELPERS in delivery_columns.py has no measure of '{sql}': add one")
    return HELPERS[sql].name if sql in HELPERS else renamed.get(sql, sql)


def _ratio(metric: Metric, renamed: Mapping[str, str] = _NO_NAMES) -> str:
    numerator, denominator = (
        _measure_of(sql, renamed) for sql in (metric.scaled_numerator, metric.denominator)
    )
    return (
        f"- name: {metric.name}\n  config: {_SEMANTIC_LAYER}\n"
        f"  label: {_label(metric.name, metric.label)}\n"
        f"  description: \"{{{{ doc('{metric.name}') }}}}\"\n  type: ratio\n"
        f"  type_params:\n    numerator: {numerator}\n    denominator: {denominator}"
    )


def _table(metrics: list[Metric]) -> Iterable[str]:
    yield "| metric | formula | definition of |"
    yield "|---|---|---|"
    for metric in metrics:
        yield f"| `{metric.name}` | {metric.formula} | {metric.defined_by} |"
