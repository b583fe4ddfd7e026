"""`generate` into a folder of Parquet files, stopped at random moments."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from generator.sinks.manifest import Manifest
from tests.reliability.commands import KILLS, done, strike, struck

SEEDS = ("7", "8")


def digest(content: bytes) -> str:
    """The SHA-256 hash, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def generate(seed: str) -> tuple[str, ...]:
    return ("generate", "smoke", "--seed", seed, "--replace", "--to", "parquet:.")


def files(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, by its path."""
    return {
        str(file.relative_to(folder)): digest(file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
    }


def named(folder: Path) -> Manifest:
    """The manifest, which must name whole files."""
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    for file in manifest.files:
        assert digest((folder / file.path).read_bytes()) == file.hash
    return manifest


@pytest.mark.parametrize(("number", "times"), KILLS)
def test_the_manifest_names_one_whole_run_and_the_next_run_completes_it(
    tmp_path: Path, number: int, times: int
) -> None:
    """One folder takes it all, trial after trial. The same command, run again, leaves what it
    leaves in an empty folder, to the byte, and nothing else."""
    whole, runs = {}, {}
    for seed in reversed(SEEDS):
        empty = tmp_path / seed
        empty.mkdir()
        done(empty, *generate(seed))
        whole[seed], runs[seed] = files(empty), named(empty)
    folder = tmp_path / "folder"
    folder.mkdir()
    done(folder, *generate("7"))
    seconds = done(folder, *generate("8"))
    now, other = reversed(SEEDS)
    ends = set()

    def trial(moment: float) -> bool:
        nonlocal now, other
        was_struck = struck(folder, generate(other), number, moment)
        held = named(folder)
        assert held in (runs[now], runs[other])
        ends.add((was_struck, held == runs[other]))
        done(folder, *generate(other))
        assert files(folder) == whole[other]
        now, other = other, now
        return was_struck

    strike(times, seconds, trial)
    assert (True, False) in ends
