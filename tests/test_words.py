"""Plain English: the phrases that readers stumbled over stay rare.

`python -m tests.test_words [FOLDER]` counts them in a checkout, in all and by file.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from tests.support.project import ROOT

# The phrase, and what to write instead.
PHRASES = {
    r"whoever|whatever|whichever|whose|whom": "name the thing",
    r"told": "reported, logged",
    r"stands?(?! for| by)": "is, is defined in",
    r"somebody|nobody": "no one, another process",
    r"(?:that|which|what) (?:is|are|was|were) there|(?:is|are) there(?=[.,;:)])": "existing",
    r"one's own|of (?:your|our|its|their|his|my) own": "custom, your",
    r"as (?:it|they) (?:is|are|was|were)": "unchanged",
    r"so many": "N, `days`",
    r"(?<!there )is no(?! longer| more)": "is not a",
    r"anew": "again",
    r"unless \S+ says? else|says? else": "by default",
}
# Counted on version 0.1.0, and how many are allowed.
BEFORE, LIMIT = 532, 10
ROOTS = ("generator", "docs", "dbt_project", "tests", "benchmarks", ".github", ".ci")
SUFFIXES = {".py", ".yml", ".md", ".sql", ".j2", ".js", ".css", ".svg", ".toml", ".txt", ""}
PATTERNS = {phrase: re.compile(rf"\b(?:{phrase})\b", re.IGNORECASE) for phrase in PHRASES}


def texts(root: Path) -> list[Path]:
    """Return the files of a checkout that people write."""
    files = [file for folder in ROOTS for file in (root / folder).rglob("*")]
    files += root.glob("*")
    return sorted(
        file
        for file in files
        if file.is_file()
        and file.suffix in SUFFIXES
        and file.name not in ("test_words.py", "LICENSE")
        and "__pycache__" not in file.parts
    )


def count(root: Path) -> dict[Path, Counter[str]]:
    """Return how often each phrase is in each file of a checkout, a line break being a space."""
    counts = {}
    for file in texts(root):
        text = re.sub(r"\s+(?:#|--)?\s*", " ", file.read_text(errors="replace"))
        found = {phrase: len(pattern.findall(text)) for phrase, pattern in PATTERNS.items()}
        if any(found.values()):
            counts[file.relative_to(root)] = Counter(found)
    return counts


def test_stumbling_phrases_are_rare() -> None:
    counts = count(ROOT)
    by_file = {str(file): sum(found.values()) for file, found in counts.items()}
    worst = sorted(by_file.items(), key=lambda item: -item[1])[:10]
    assert sum(by_file.values()) <= LIMIT, worst


def test_the_pages_for_users_have_none() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    counts = count(ROOT)
    found = {
        str(page.relative_to(ROOT)): +counts[page.relative_to(ROOT)]
        for page in pages
        if page.relative_to(ROOT) in counts
    }
    assert found == {}


if __name__ == "__main__":
    results = count(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    total: Counter[str] = sum(results.values(), Counter())
    for file, found in sorted(results.items(), key=lambda item: -sum(item[1].values())):
        print(f"{sum(found.values()):5}  {file}")
    for phrase, number in total.most_common():
        print(f"{number:5}  {phrase}  →  {PHRASES[phrase]}")
    print(f"{total.total():5}  in all")
