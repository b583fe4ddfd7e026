"""`generate` into a database that people care about, stopped at random moments."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.reliability.commands import KILLS, done, strike, struck
from tests.reliability.database import OURS, add_others, content, generated, left_over

SEEDS = ("7", "8")


def generate(seed: str) -> tuple[str, ...]:
    return ("generate", "smoke", "--seed", seed, "--replace", "--to", "ads.duckdb")


@pytest.mark.parametrize(("number", "times"), KILLS)
def test_raw_is_wholly_old_or_wholly_new_and_the_rest_intact(
    tmp_path: Path, number: int, times: int
) -> None:
    """One file takes it all, trial after trial: each run has the seed that raw does not have."""
    file = tmp_path / "ads.duckdb"
    runs = {}
    for seed in reversed(SEEDS):
        seconds = done(tmp_path, *generate(seed))
        runs[seed] = generated(content(file))
    add_others(file)
    rest = {name: rows for name, rows in content(file).items() if not name.startswith(OURS)}
    assert len(rest) == 5
    now = SEEDS[0]
    ends = set()

    def trial(moment: float) -> bool:
        nonlocal now
        other = SEEDS[now == SEEDS[0]]
        before = file.read_bytes()
        was_struck = struck(tmp_path, generate(other), number, moment)
        assert left_over(tmp_path, number)
        held = content(file)
        assert held in [{**runs[seed], **rest} for seed in (now, other)]
        assert generated(held) == runs[other] or file.read_bytes() == before
        ends.add((was_struck, generated(held) == runs[other]))
        if generated(held) == runs[other]:
            now = other
        return was_struck

    strike(times, seconds, trial)
    assert (True, False) in ends
    done(tmp_path, *generate("7"))
    assert os.listdir(tmp_path) == ["ads.duckdb"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_first_run_leaves_a_whole_file_or_none(tmp_path: Path, number: int) -> None:
    """What SIGKILL leaves beside it, the next run removes."""
    file = tmp_path / "ads.duckdb"
    seconds = done(tmp_path, *generate("7"))
    whole = content(file)

    def trial(moment: float) -> bool:
        file.unlink(missing_ok=True)
        was_struck = struck(tmp_path, generate("7"), number, moment)
        assert not file.exists() or content(file) == whole
        assert number == signal.SIGKILL or set(os.listdir(tmp_path)) <= {"ads.duckdb"}
        return was_struck

    strike(10, seconds, trial)
    done(tmp_path, *generate("7"))
    assert os.listdir(tmp_path) == ["ads.duckdb"]
