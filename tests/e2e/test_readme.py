"""The README shows what its commands print."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.support.project import ROOT, dbt

README = (ROOT / "README.md").read_text()


def test_the_sample_query_prints_what_the_readme_shows(
    showcase_database: Path, tmp_path: Path
) -> None:
    query = re.search(r'dbt show --quiet --inline "\n(.*?)"\n```', README, re.DOTALL)
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert query
    assert shown
    file = tmp_path / "ads.duckdb"
    shutil.copy(showcase_database, file)
    result = dbt("show --quiet --inline", file, tmp_path, query.group(1))
    assert result.stdout.strip() == shown.group(1).strip()


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
