"""`create-campaign` into a database that people care about, stopped at random moments."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.reliability.commands import KILLS, done, strike, struck
from tests.reliability.database import OURS, add_others, content, left_over

ADD = ("create-campaign", "--advertiser-id", "1", "--profile", "small_two_weeks", "--to")


@pytest.mark.parametrize(("number", "times"), KILLS)
def test_a_campaign_is_added_whole_or_not_at_all(tmp_path: Path, number: int, times: int) -> None:
    """One file takes it all; when a campaign is in it, it starts again from a copy."""
    folder = tmp_path / "folder"
    folder.mkdir()
    file, kept = folder / "ads.duckdb", tmp_path / "kept.duckdb"
    done(folder, "generate", "smoke", "--to", "ads.duckdb")
    add_others(file)
    shutil.copy(file, kept)
    old = content(file)
    seconds = done(folder, *ADD, "ads.duckdb")
    new = content(file)
    changed = {name for name, rows in new.items() if rows != old[name]}
    assert {"raw.campaigns", "raw.performance_hourly", "raw.audience_daily"} <= changed
    assert all(name.startswith(OURS) for name in changed)
    shutil.copy(kept, file)
    ends = set()

    def trial(moment: float) -> bool:
        was_struck = struck(folder, (*ADD, "ads.duckdb"), number, moment)
        assert left_over(folder, number)
        held = content(file)
        assert held in (old, new)
        assert held == new or file.read_bytes() == kept.read_bytes()
        ends.add((was_struck, held == new))
        if held == new:
            shutil.copy(kept, file)
        return was_struck

    strike(times, seconds, trial)
    assert (True, False) in ends
    done(folder, *ADD, "ads.duckdb")
    assert os.listdir(folder) == ["ads.duckdb"]
