"""The rules of the house that can be read off the code: imports point one way and in no circle, and
a name says what a function does or returns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "generator"

# What each part may import of the package. Nothing imports upward.
# The floors of the house from the ground up: a room may import those listed beside it.
GROUND = {
    "arrays",
    "background",
    "enums",
    "clock",
    "randomness",
    "permutation",
    "masking",
    "extras",
    "outputs",
    "source",
    "system",
}
MAY_IMPORT: dict[str, set[str]] = {
    "arrays": set(),
    "background": set(),
    "enums": set(),
    "clock": {"arrays"},
    "randomness": {"arrays"},
    "permutation": {"arrays", "randomness"},
    "masking": set(),
    "outputs": set(),
    "system": set(),
    "interruption": {"system"},
    "extras": set(),
    "source": set(),
    "schema": GROUND,
    "platform": GROUND | {"schema"},
    "scenario": GROUND | {"schema", "platform"},
    "delivery": GROUND | {"schema", "platform"},
    "log": GROUND | {"schema", "platform", "delivery"},
    "outcomes": GROUND | {"schema", "platform", "delivery", "log"},
    "sinks": GROUND | {"schema"},
    "world": GROUND | {"schema", "platform", "scenario"},
    "market": GROUND | {"schema", "platform", "scenario", "delivery", "world"},
    "faults": GROUND | {"schema", "scenario", "delivery", "sinks"},
    "report": {"enums", "scenario", "extras", "sinks"},
    "watch": {"extras", "masking", "schema", "scenario", "sinks", "system"},
    "pipeline": GROUND
    | {"schema", "scenario", "platform", "world", "market", "delivery", "log"}
    | {"outcomes", "faults", "sinks"},
    "live": GROUND
    | {"schema", "scenario", "delivery", "log", "faults", "pipeline", "sinks", "world"},
    "engines": {"schema", "sinks", "world", "pipeline", "extras", "system"},
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
        "watch",
        "pipeline",
        "engines",
        "live",
        "interruption",
    },
    "api": {"schema", "scenario", "market", "faults", "pipeline"},
    "__main__": {"cli", "extras", "interruption"},
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


def test_no_circle_of_imports() -> None:
    files = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in PACKAGE.rglob("*.py")
    }
    # What `generator` itself lists is loaded when it is first used.
    del files["generator"]
    graph = {
        module: {
            name if name in files else name.rpartition(".")[0]
            for name in imports(file)
            if name.startswith("generator.")
        }
        - {"generator"}
        for module, file in files.items()
    }
    order = [*TopologicalSorter(graph).static_order()]
    assert set(order) == set(files)


# What has become of something: `written`, `advertiser_named`, `known_as`.
PARTICIPLE = re.compile(
    r"(?:\w+_)?(?!seed|need|feed|embed)(?:[a-z]+ed|[a-z]+(?<!op)(?<!l)en|held|shown|known|drawn|made"
    r"|kept|left|told|heard|said|sent|built|spent|found|met|lost|sold|done|bound|spoilt|caught)"
    r"(?:_(?:as|at|by|from|in|of|to|up|down|out|apart))?"
)
# A question, or a clause that begins with a verb.
NO_NAMES_OF_STATES = re.compile(r"(?:is|was|has|keep)_\w+")


def functions(file: Path) -> Iterator[str]:
    """Yield the names of the functions of a module, and of the methods that are no properties."""
    tree = ast.parse(file.read_text())
    for node in [*tree.body, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef) and not any(
                ast.unparse(decorator).endswith("property") for decorator in function.decorator_list
            ):
                yield function.name


def test_public_functions_are_verbs_or_what_they_return() -> None:
    """A participle says neither: `written` may write, or return what is written."""
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in PACKAGE.rglob("*.py")
        for name in functions(file)
        if not name.startswith("_")
        and PARTICIPLE.fullmatch(name)
        and not NO_NAMES_OF_STATES.fullmatch(name)
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["generator", "tests", "benchmarks"])
def test_loop_variables_are_nouns(folder: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Name) and node.id == "each")
        or (isinstance(node, ast.arg) and node.arg == "each")
    ]
    assert found == []
