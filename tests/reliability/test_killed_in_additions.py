"""`create-campaign` into a database that people care about, stopped at random moments."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.reliability.commands import done, strike, struck
from tests.reliability.database import add_others, content

ADD = ("create-campaign", "--advertiser-id", "1", "--profile", "small_two_weeks", "--to")


@pytest.mark.parametrize(
    ("number", "times"), [(signal.SIGKILL, 100), (signal.SIGINT, 25), (signal.SIGTERM, 25)]
)
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
    changed = {name for name, each in new.items() if each != old[name]}
    assert {"raw.campaigns", "raw.performance_hourly", "raw.audience_daily"} <= changed
    assert all(name.startswith("raw.") for name in changed)
    shutil.copy(kept, file)
    ends = set()

    def trial(moment: float) -> bool:
        was_struck = struck(folder, (*ADD, "ads.duckdb"), number, moment)
        assert set(os.listdir(folder)) <= {"ads.duckdb", "ads.duckdb.wal"}
        held = content(file, read_only=moment < seconds / 2)
        assert held in (old, new)
        ends.add((was_struck, held == new))
        if held == new:
            file.with_name("ads.duckdb.wal").unlink(missing_ok=True)
            shutil.copy(kept, file)
        return was_struck

    strike(times, seconds, trial)
    assert (True, False) in ends
