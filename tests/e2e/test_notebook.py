"""The notebook runs from its first cell to its last, and is committed with what it shows."""

from __future__ import annotations

from typing import Any

from tests.support.project import ROOT

NOTEBOOK = ROOT / "docs/notebooks/first_look.ipynb"


def kinds(notebook: Any) -> list[list[list[str]]]:
    """Return the kinds of output of each cell. What a cell writes to stderr counts as one."""
    return [
        [
            sorted(output.get("data", {output.get("name", output.output_type): ""}))
            for output in found
        ]
        for found in (cell.get("outputs", []) for cell in notebook.cells)
    ]


def test_the_notebook_runs_and_draws_what_is_committed_with_it() -> None:
    """`python -m tests.support.notebook` writes it again."""
    import nbformat

    from tests.support.notebook import run_notebook

    again = run_notebook()
    committed = nbformat.read(NOTEBOOK, as_version=4)
    assert kinds(again) == kinds(committed)
    shown = [kind for cell in kinds(again) for output in cell for kind in output]
    assert shown.count("image/png") == 3
    assert "stderr" not in shown
    sources = "\n".join(cell.source for cell in again.cells)
    for library in ("to_pandas", "polars", "duckdb.sql", "generate("):
        assert library in sources


def test_the_notebook_is_small() -> None:
    assert NOTEBOOK.stat().st_size < 300_000
