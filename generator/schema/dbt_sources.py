"""What dbt knows of the raw tables: its source file, with tests, and the doc blocks of every
column.

A staging model or a mart that passes a raw column on refers to its doc block, so that a column is
described once, in its model. A test fails when the committed files are out of step.
"""

from typing import Any

import yaml

from generator.schema.table import Column, Ordered, RawTable, Rule

HEADER = """\
# Derived from generator/schema by `make sources`. Change the model there, not this file.
"""
# The name in dbt and the description of each schema.
_SOURCES = {
    "raw": ("ads", "Streaming-ad delivery as the generator lands it: one schema, `raw`."),
    "truth": (
        "truth",
        "What is true of the conversions, in schema `truth`: scorecards alone read it.",
    ),
}
_WHY_A_WARNING = (
    "Reports, and stops nothing: staging repairs such rows or puts them aside, and what they would "
    "break is an error there."
)
DOCS_HEADER = """\
{# Derived from generator/schema by `make sources`. Change the model there, not this file. #}
"""


def source_files(tables: tuple[type[RawTable], ...]) -> dict[str, str]:
    """Return the source file of each schema that these tables are in: name below the folder of
    staging → text."""
    files = {}
    for schema, (name, description) in _SOURCES.items():
        source = {
            "name": name,
            "description": description,
            "schema": f"{{{{ var('{schema}_schema') }}}}",
            "tables": [_table(table) for table in tables if table.schema_name == schema],
        }
        document = {"version": 2, "sources": [source]}
        text = yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
        files[f"{name}/_{name}__sources.yml"] = HEADER + text
    return files


def docs_markdown(tables: tuple[type[RawTable], ...]) -> str:
    """Return the text of `_ads__docs.md`: a doc block per table, `schema_table`, and per column,
    `table__column`."""
    blocks = []
    for table in tables:
        blocks.append(_doc_block(f"{table.schema_name}_{table.table_name}", table.description()))
        for column in table.columns():
            unit = f" Unit: {column.unit}." if column.unit else ""
            text = _description(column) + unit
            blocks.append(_doc_block(f"{table.table_name}__{column.name}", text))
    return DOCS_HEADER + "\n" + "\n".join(blocks)


def _doc_block(name: str, text: str) -> str:
    return f"{{% docs {name} %}}\n{text}\n{{% enddocs %}}\n"


def _table(table: type[RawTable]) -> dict[str, Any]:
    test = _named_test(f"rules_raw_{table.table_name}", "rules", **_rules(table))
    tests = [_warning(test) if table.is_repaired else test, *_references(table)]
    entry: dict[str, Any] = {"name": table.table_name, "description": table.description()}
    config: dict[str, Any] = {}
    if table.is_optional:
        config["meta"] = {"is_optional": True}
    if table.landed_at:
        config |= {"loaded_at_field": table.landed_at, "freshness": _freshness()}
    if config:
        entry["config"] = config
    entry["data_tests"] = tests
    entry["columns"] = [_column(column) for column in table.columns()]
    return entry


def _freshness() -> dict[str, Any]:
    """Return the ages in hours after which dbt warns or fails. There are none by default, since the
    data end on the as-of day, which need not be today."""
    return {
        f"{level}_after": {
            "count": f"{{{{ var('freshness_{level}_after_hours') }}}}",
            "period": "hour",
        }
        for level in ("warn", "error")
    }


def _rules(table: type[RawTable]) -> dict[str, Any]:
    """Return what holds in every row, as the arguments of the test `rules` that are not empty."""
    columns = table.columns()
    keys = [
        [table.primary_key] if table.primary_key else list(table.grain),
        *([column.name] for column in columns if column.unique),
    ]
    rules: dict[str, Any] = {
        "unique": keys,
        "not_null": [
            column.name
            for column in columns
            if not column.nullable and not any(column.name in key for key in keys)
        ],
        "numbers": [
            column.name for column in columns if column.maximum is None and column.minimum == 0
        ],
        "ratios": [column.name for column in columns if column.maximum == 1],
        "ordered": [
            list(constraint.expressions)
            for constraint in table.constraints
            if isinstance(constraint, Ordered)
        ],
        "words": {
            column.name: [member.value for member in column.enum]
            for column in columns
            if column.enum
        },
        "conditions": [
            constraint.sql for constraint in table.constraints if isinstance(constraint, Rule)
        ],
    }
    return {name: rule for name, rule in rules.items() if rule}


def _references(table: type[RawTable]) -> list[dict[str, Any]]:
    """Return the test that the other table has each key of it, if a column refers to one."""
    parents, fields = {}, {}
    for column in table.columns():
        if column.references:
            parent, field = column.references.split(".")
            parents[column.name] = f"source('ads', '{parent}')"
            if field != column.name:
                fields[column.name] = field
    arguments = {"columns": parents} | ({"fields": fields} if fields else {})
    name = f"references_raw_{table.table_name}"
    return [_named_test(name, "references", **arguments)] if parents else []


def _description(column: Column) -> str:
    """Return the description of a column, with the words that it may hold."""
    words = f" One of {', '.join(column.enum)}." if column.enum else ""
    return column.description + words


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "description": _description(column),
        "data_type": column.storage.duckdb,
    }
    if column.unit:
        entry["config"] = {"meta": {"unit": column.unit}}
    return entry


def _named_test(name: str, test: str, **arguments: Any) -> dict[str, Any]:
    """Return a test with a name, since the name that dbt makes would list every column."""
    return {test: {"name": name, "arguments": arguments}}


def _warning(test: dict[str, Any]) -> dict[str, Any]:
    """Return the test as a warning, with the reason."""
    ((name, entry),) = test.items()
    return {name: entry | {"config": {"severity": "warn"}, "description": _WHY_A_WARNING}}
