"""The rules of the house that can be read off the code: imports point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "generator"

# What each part may import of the package. Nothing imports upward.
# The floors of the house from the ground up: a room may import those listed beside it.
GROUND = {"arrays", "enums", "clock", "randomness", "masking", "extras", "outputs", "source"}
MAY_IMPORT: dict[str, set[str]] = {
    "arrays": set(),
    "enums": set(),
    "clock": {"arrays"},
    "randomness": {"arrays"},
    "masking": set(),
    "outputs": set(),
    "interruption": set(),
    "extras": set(),
    "source": set(),
    "schema": GROUND,
    "platform": GROUND | {"schema"},
    "scenario": GROUND | {"schema", "platform"},
    "delivery": GROUND | {"schema", "platform"},
    "sinks": GROUND | {"schema"},
    "world": GROUND | {"schema", "platform", "scenario"},
    "market": GROUND | {"schema", "platform", "scenario", "delivery", "world"},
    "faults": GROUND | {"schema", "scenario", "delivery", "sinks"},
    "report": {"scenario", "extras"},
    "pipeline": GROUND
    | {"schema", "scenario", "platform", "world", "market", "delivery", "faults", "sinks"},
    "engines": {"schema", "sinks", "world", "pipeline", "extras"},
    "cli": GROUND
    | {
        "schema",
        "platform",
        "scenario",
        "sinks",
        "world",
        "market",
        "faults",
        "report",
        "pipeline",
        "engines",
        "interruption",
    },
    "api": {"schema", "scenario", "market", "faults", "pipeline"},
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
