"""Any file is read, or refused with a sentence. Nothing else happens.

Files are random bytes, random text of the characters that YAML minds, random documents, and bundled
files with a piece cut out, doubled or overwritten.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.market.dataset import world_of
from generator.scenario.errors import InputError
from generator.scenario.overrides import parse_override
from generator.scenario.templates import BUNDLED, Dataset, Library
from tests.scenario.test_legacy_format import OLDER

FILES = max(500, settings.default.max_examples)
TEXTS = [
    OLDER,
    *(file.read_text() for kind in ("examples", "profiles", "workflows")
      for file in sorted((BUNDLED / kind).glob("*.yml"))),
]  # fmt: skip
WORDS = sorted({word for text in TEXTS for word in text.replace(":", " ").split()})
LIBRARY = Library()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file in its own folder."""
    return tmp_path_factory.mktemp("random") / "random.yml"


def sentences(use: Callable[[], Any]) -> list[str]:
    """What is said of input that is used and refused: nothing, or problems of a line each. Any
    error but an InputError is a fault."""
    try:
        use()
    except InputError as error:
        return str(error).splitlines()
    return []


def is_read_or_refused(file: Path, content: bytes) -> None:
    def use() -> None:
        found = LIBRARY.check(file)
        if isinstance(found, Dataset):
            world_of(found)

    file.write_bytes(content)
    said = sentences(use)
    assert len(said) <= 11
    assert all(0 < len(line) < 1_000 for line in said)


@settings(max_examples=FILES)
@given(content=st.binary(max_size=200))
def test_random_bytes(file: Path, content: bytes) -> None:
    is_read_or_refused(file, content)


@settings(max_examples=FILES)
@given(
    pieces=st.lists(
        st.sampled_from([*WORDS, *"{}[]:,-?&*!|>'\"%@`#~<= \n\t", "\n  ", "&a", "*a", "<<", "---"])
        | st.text(string.printable, max_size=4)
        | st.characters(),
        max_size=60,
    )
)
def test_random_text_of_the_characters_that_yaml_minds(file: Path, pieces: list[str]) -> None:
    is_read_or_refused(file, "".join(pieces).encode("utf-8", "surrogatepass"))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes()
    | st.text(max_size=20) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8) | st.integers(), inner),
    max_leaves=20,
)  # fmt: skip
KEYS = ["name", "description", "extends", "campaign", "line_items", "advertiser", "seed", "as_of",
        "examples", "profiles", "base_templates", "market", "countries", "supply"]  # fmt: skip


@settings(max_examples=FILES)
@given(data=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_random_documents(file: Path, data: dict[str, Any]) -> None:
    is_read_or_refused(file, yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "replace"))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        piece = text[start : start + draw(st.integers(0, 40))]
        new = draw(st.just("") | st.just(piece * 2) | st.sampled_from(WORDS) | st.text(max_size=5))
        text = text[:start] + new + text[start + len(piece) :]
    return text


@settings(max_examples=FILES)
@given(text=damaged())
def test_a_bundled_file_that_was_damaged(file: Path, text: str) -> None:
    is_read_or_refused(file, text.encode("utf-8", "surrogatepass"))


@settings(max_examples=FILES)
@given(source=st.text(max_size=40) | st.builds("{}={}".format, st.sampled_from(
    ["campaign", "campaign.budget.amount", "line_items[0]", "line_items.0.targeting.DEVICE", "name",
     "campaign.flights[0].start_date", "advertiser.name", "campaign.frequency_caps[0]"]
), st.text(max_size=30) | st.sampled_from(WORDS)))  # fmt: skip
def test_a_random_override(source: str) -> None:
    assert len(sentences(lambda: LIBRARY.dataset("smoke", [parse_override(source)]))) <= 11
