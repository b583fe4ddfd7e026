"""The rules of the house that can be read off the code: imports point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "generator"

# What each part may import of the package. Nothing imports upward.
MAY_IMPORT: dict[str, set[str]] = {
    "enums": set(),
    "randomness": set(),
    "masking": set(),
    "schema": {"enums"},
    "scenario": {"enums", "schema", "masking"},
    "world": {"enums", "randomness", "schema", "scenario"},
    "delivery": {"enums", "randomness", "schema"},
    "sinks": {"randomness", "schema", "masking"},
    "faults": {"enums", "randomness", "schema", "scenario", "delivery", "sinks"},
    "engines": {
        "enums",
        "randomness",
        "schema",
        "scenario",
        "world",
        "delivery",
        "faults",
        "sinks",
    },
    "platform_seeds": {"enums", "schema"},
    "settings": {"schema", "scenario", "masking"},
    "results": {"settings", "sinks"},
    "registry": {"enums", "schema", "scenario", "sinks", "engines", "results"},
    "report": {"scenario"},
    "terminal": {"results", "settings", "sinks"},
    "commands": {
        "enums",
        "platform_seeds",
        "schema",
        "scenario",
        "world",
        "faults",
        "sinks",
        "engines",
        "registry",
        "report",
        "results",
        "settings",
        "terminal",
    },
    "cli": {
        "enums",
        "scenario",
        "sinks",
        "settings",
        "engines",
        "registry",
        "results",
        "commands",
        "terminal",
    },
    "interruption": set(),
    "__main__": {"cli", "interruption"},
}
OUTSIDE_OF_DELIVERY = {"numpy", "pyarrow"}


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_imports_point_one_way(file: Path) -> None:
    part = part_of(file)
    if part == "__init__":
        return
    inside = {name.split(".")[1] for name in imports(file) if name.startswith("generator.")}
    inside -= {"__version__"}
    assert inside <= MAY_IMPORT[part] | {part}


def test_delivery_needs_numpy_and_pyarrow_alone() -> None:
    import sys

    for file in (PACKAGE / "delivery").glob("*.py"):
        outside = {name.split(".")[0] for name in imports(file)} - {"generator"}
        assert outside - set(sys.stdlib_module_names) <= OUTSIDE_OF_DELIVERY, file


def test_delivery_knows_no_clock_and_no_generator_objects() -> None:
    for file in (PACKAGE / "delivery").glob("*.py"):
        text = file.read_text()
        for word in ("datetime.now", "date.today", "time.time", "np.random", "import random"):
            assert word not in text, f"{file.name} uses {word}"
