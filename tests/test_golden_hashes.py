"""The bytes that the generator makes are frozen: they change with a release that says so, or never.

`golden_hashes.json` has the hash of each raw table of three workflows, and the version that first
made these bytes. `python -m tests.test_golden_hashes` writes it again, once `__version__` names the
release that changes them (docs/releasing.md).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from generator import __version__
from generator.engines import local
from generator.market.dataset import world_of
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library
from tests.engines.basket import Basket
from tests.support.project import ROOT

FILE = ROOT / "tests/golden_hashes.json"
RECORDED = json.loads(FILE.read_text()) if FILE.exists() else {}
WORKFLOWS = {
    "smoke": (),
    "complete": (),
    "market": ("market.campaigns=30", "market.advertisers=6"),
}
# A row of `raw.runs` holds the version itself, so its hash changes with every release.
RUNS = "runs"
SECTION = re.compile(r"^## \[(?P<version>[^\]]+)\](?P<text>.*?)(?=^## |\Z)", re.M | re.S)


def hashes(workflow: str) -> dict[str, str]:
    """Return the hash of each raw table of a workflow, but for the one that holds the version."""
    dataset = Library().dataset(
        workflow, [parse_override(change) for change in WORKFLOWS[workflow]]
    )
    landed = local.run(world_of(dataset), Basket(10**9), jobs=1)
    return {
        table.table.table_name: table.fingerprint
        for table in landed
        if table.table.table_name != RUNS
    }


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_the_bytes_change_only_with_a_version_that_says_so(workflow: str) -> None:
    assert hashes(workflow) == RECORDED["hashes"][workflow], (
        f"version {__version__} makes other data than it did: raise __version__, say so in "
        "CHANGELOG.md, and run `python -m tests.test_golden_hashes`"
    )


def test_the_changelog_says_whether_the_bytes_changed() -> None:
    """In the section of the version, or of what is not released yet."""
    newest, *others = SECTION.finditer((ROOT / "CHANGELOG.md").read_text())
    earlier = [section["version"] for section in others]
    assert newest["version"] in (__version__, "Unreleased")
    assert RECORDED["since"] in (__version__, *earlier)
    if RECORDED["since"] in earlier:
        assert f"The data is, byte for byte, that of {RECORDED['since']}." in newest["text"]
    else:
        assert "The data changed" in newest["text"]


def write() -> None:
    """Record the bytes of this version. Refuses to record other bytes under the same version."""
    made: dict[str, Any] = {workflow: hashes(workflow) for workflow in WORKFLOWS}
    if made == RECORDED.get("hashes"):
        return
    if RECORDED.get("since") == __version__:
        raise SystemExit(f"{__version__} has its bytes already: raise __version__ first")
    FILE.write_text(json.dumps({"since": __version__, "hashes": made}, indent=2) + "\n")


if __name__ == "__main__":
    write()
