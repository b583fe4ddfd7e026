"""What dbt knows of the raw tables: its source file, with tests, and the doc blocks of every
column.

A staging model or a mart that passes a raw column on refers to its doc block, so that a column is
described once, in its model. A test fails when the committed files are out of step.
"""

from typing import Any

import yaml

from generator.schema.table import Column, Constraint, Ordered, RawTable

HEADER = """\
# Derived from generator/schema by `make sources`. Change the model there, not this file.
"""
_WHY_A_WARNING = (
    "Reports, and stops nothing: staging repairs such rows or puts them aside, and what they would "
    "break is an error there."
)
DOCS_HEADER = """\
{# Derived from generator/schema by `make sources`. Change the model there, not this file. #}
"""


def source_yaml(tables: tuple[type[RawTable], ...]) -> str:
    """Return the text of `_ads__sources.yml` for these tables."""
    source = {
        "name": "ads",
        "description": "Streaming-ad delivery as the generator lands it: one schema, `raw`.",
        "schema": "{{ var('raw_schema') }}",
        "tables": [_table(table) for table in tables],
    }
    document = {"version": 2, "sources": [source]}
    return HEADER + yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)


def docs_markdown(tables: tuple[type[RawTable], ...]) -> str:
    """Return the text of `_ads__docs.md`: a doc block per table, and per column `table__column`."""
    blocks = []
    for table in tables:
        blocks.append(_doc_block(table.table_name, table.description()))
        for column in table.columns():
            text = (
                f"{column.description} Unit: {column.unit}." if column.unit else column.description
            )
            blocks.append(_doc_block(f"{table.table_name}__{column.name}", text))
    return DOCS_HEADER + "\n" + "\n".join(blocks)


def _doc_block(name: str, text: str) -> str:
    return f"{{% docs {name} %}}\n{text}\n{{% enddocs %}}\n"


def _table(table: type[RawTable]) -> dict[str, Any]:
    required = [column.name for column in table.columns() if not column.nullable]
    tests = [_named_test(f"not_null_raw_{table.table_name}", "not_null_columns", columns=required)]
    if table.primary_key is None:
        name = f"unique_grain_raw_{table.table_name}"
        tests.append(_named_test(name, "unique_grain", columns=list(table.grain)))
    tests += _bounds_tests(table)
    tests += [_constraint_test(constraint) for constraint in table.constraints]
    if table.is_repaired:
        tests = [_warning(test) for test in tests]
    entry: dict[str, Any] = {"name": table.table_name, "description": table.description()}
    config: dict[str, Any] = {}
    if table.is_optional:
        config["meta"] = {"is_optional": True}
    if table.landed_at:
        config |= {"loaded_at_field": table.landed_at, "freshness": _freshness()}
    if config:
        entry["config"] = config
    entry["data_tests"] = tests
    entry["columns"] = [_column(table, column) for column in table.columns()]
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


def _bounds_tests(table: type[RawTable]) -> list[dict[str, Any]]:
    """Return a test of the ratios and a test of all other numbers: finite, and not below 0."""
    ratios = [column.name for column in table.columns() if column.maximum == 1]
    numbers = [
        column.name for column in table.columns() if column.maximum is None and column.minimum == 0
    ]
    tests = []
    if numbers:
        tests.append(_named_test(f"finite_raw_{table.table_name}", "finite", columns=numbers))
    if ratios:
        name = f"finite_ratios_raw_{table.table_name}"
        tests.append(_named_test(name, "finite", columns=ratios, at_most=1))
    return tests


def _constraint_test(constraint: Constraint) -> dict[str, Any]:
    if isinstance(constraint, Ordered):
        return _test("ordered", columns=list(constraint.expressions))
    return _test("holds", condition=constraint.sql)


def _column(table: type[RawTable], column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "description": column.description,
        "data_type": column.storage.duckdb,
    }
    if column.unit:
        entry["config"] = {"meta": {"unit": column.unit}}
    if tests := _column_tests(table, column):
        entry["data_tests"] = tests
    return entry


def _column_tests(table: type[RawTable], column: Column) -> list[str | dict[str, Any]]:
    tests: list[str | dict[str, Any]] = []
    if column.unique or column.name == table.primary_key:
        tests.append("unique")
    if column.references:
        target, field = column.references.split(".")
        tests.append(_test("relationships", to=f"source('ads', '{target}')", field=field))
    if column.enum:
        members = [member.value for member in column.enum]
        tests.append(_test("accepted_values", values=members))
    return tests


def _named_test(name: str, test: str, **arguments: Any) -> dict[str, Any]:
    """Return a test with a name, since the name that dbt makes would list every column."""
    return {test: {"name": name, "arguments": arguments}}


def _warning(test: dict[str, Any]) -> dict[str, Any]:
    """Return the test as a warning, with the reason."""
    ((name, entry),) = test.items()
    return {name: entry | {"config": {"severity": "warn"}, "description": _WHY_A_WARNING}}


def _test(name: str, **arguments: Any) -> dict[str, Any]:
    return {name: {"arguments": arguments}}
