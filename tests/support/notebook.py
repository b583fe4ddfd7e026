"""The notebook, run again in a new kernel: `python -m tests.support.notebook` writes it with what
its cells print and draw."""

from __future__ import annotations

import nbformat
from nbclient import NotebookClient

from tests.support.project import ROOT

NOTEBOOK = ROOT / "docs/notebooks/first_look.ipynb"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def run_notebook() -> nbformat.NotebookNode:
    """Return the notebook with the output of its cells. Raises CellExecutionError for one that
    fails."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


if __name__ == "__main__":
    nbformat.write(run_notebook(), NOTEBOOK)
