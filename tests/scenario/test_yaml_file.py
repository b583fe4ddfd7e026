"""Files are read safely, keep the place of every key, and merge by one rule."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from generator.scenario.errors import InputError
from generator.scenario.templates import Library
from generator.scenario.yaml_file import Document, merge, path_text, read


def document(folder: Path, text: str, name: str = "file.yml") -> Document:
    file = folder / name
    file.write_text(text)
    return read(file)


def test_places_of_keys_are_remembered(tmp_path) -> None:
    found = document(tmp_path, "a: 1\nb:\n  - c: 2\n    d: 3\n")
    assert found.data == {"a": 1, "b": [{"c": 2, "d": 3}]}
    assert found.where(("b", 0, "d")) == f"{tmp_path / 'file.yml'}:4: b[0].d"
    assert found.where(("b", 0, "absent")) == f"{tmp_path / 'file.yml'}:3: b[0].absent"


def test_mappings_merge_and_everything_else_replaces(tmp_path) -> None:
    base = document(tmp_path, "a: {x: 1, y: {p: 1}}\nl: [1, 2]\nk: 1\n", "base.yml")
    over = document(tmp_path, "a: {y: {q: 2}}\nl: [3]\nk: {z: 1}\n", "over.yml")
    both = merge(base, over)
    assert both.data == {"a": {"x": 1, "y": {"p": 1, "q": 2}}, "l": [3], "k": {"z": 1}}
    assert both.where(("a", "x")).startswith(str(tmp_path / "base.yml"))
    assert both.where(("a", "y", "q")).startswith(str(tmp_path / "over.yml"))
    assert both.where(("l", 0)).startswith(str(tmp_path / "over.yml"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\na: 2\n", ":2: a is given twice"),
        ("a: [1\n", "is not valid YAML"),
        ("- a\n- b\n", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: !!python/object/apply:os.system [ls]\n", "is not allowed"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: &x [*x]\n", "an alias contains itself"),
        ("a: 2025-02-30\n", "is not a value"),
        ("? [1, 2]\n: 3\n", "a key must be"),
        ("a: \x00\n", "is not valid YAML"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(tmp_path, text, sentence) -> None:
    with pytest.raises(InputError) as error:
        document(tmp_path, text)
    assert sentence in str(error.value)
    assert str(tmp_path / "file.yml") in str(error.value)


def test_a_bomb_of_aliases_is_refused_before_it_unfolds(tmp_path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(InputError, match="unfolds to more than"):
        document(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [" + "1," * 240_000 + "]", "more than 50,000 values"),
        ("a:\n" + "- 1\n" * 120_000, ":49999: is not valid YAML: more than 50,000 values"),
        ("".join(f"k{n}: 1\n" for n in range(40_000)), ":25000: is not valid YAML: more than"),
        ("a: " + "1:" * 240_000 + "1", "is longer than a number"),
        ("a: " + "9" * 490_000, "is longer than a number"),
        ("a: !!int " + "9" * 490_000, "is longer than a number"),
        ("a: " + "[" * 240_000, "is not valid YAML"),
    ],
    ids=["flow", "lines", "keys", "base 60", "digits", "tag", "depth"],
)
def test_a_file_that_would_take_long_is_refused_soon(tmp_path, text, sentence) -> None:
    start = time.process_time()
    with pytest.raises(InputError) as error:
        document(tmp_path, text)
    assert sentence in str(error.value)
    assert len(str(error.value)) < 400
    assert time.process_time() - start < 20


def test_a_huge_file_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="is larger than"):
        document(tmp_path, "a: " + "x" * 1_000_001)


def test_bytes_that_are_not_text_are_refused(tmp_path) -> None:
    (tmp_path / "file.yml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8"):
        read(tmp_path / "file.yml")


def test_paths_are_written_as_people_write_them() -> None:
    assert path_text(("line_items", 0, "targeting", "DEVICE")) == "line_items[0].targeting.DEVICE"


def test_what_a_terminal_would_obey_is_written_out_in_messages(tmp_path) -> None:
    """Found by random documents: a key with a control character broke a message in two."""
    document_text = 'name: x\n"\\e[31m\\u202Ered\\x1e": 1\n'
    (tmp_path / "file.yml").write_text(document_text)
    with pytest.raises(InputError) as error:
        Library().check(tmp_path / "file.yml")
    assert "\\x1b[31m\\u202ered\\x1e" in str(error.value)
    assert str(error.value).replace("\n", "").isprintable()


def test_what_the_reader_of_yaml_refuses_is_one_line(tmp_path) -> None:
    """Found by random bytes: the reader speaks in two lines."""
    with pytest.raises(InputError) as error:
        document(tmp_path, "\x00")
    assert len(str(error.value).splitlines()) == 1
