"""Files that commands write: no file of others is replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from generator.cli import results
from generator.outputs import OutputError, mode_to_keep, write_text
from generator.scenario.errors import bad_input


def write_files(
    files: Mapping[str, str], folder: Path, is_own: Callable[[str, str, str], bool]
) -> results.Written:
    """Write files by their names, or none where one is not the command's own: `is_own` is called
    with the name, the new text and the existing text."""
    if not folder.is_dir():
        raise bad_input(f"there is no folder {folder}; run this at the top of the checkout")
    for name, text in files.items():
        write_output(folder / name, None, partial(is_own, name, text))
    for name, text in files.items():
        write_output(folder / name, text, partial(is_own, name, text))
    return results.Written(files=[str(folder / name) for name in files])


def write_output(file: Path, text: str | None, is_own: Callable[[str], bool]) -> None:
    """Write a file, or only check that it may be written. Raises InputError."""
    try:
        if text is None:
            mode_to_keep(file, is_own)
        else:
            write_text(file, text, is_own)
    except OutputError as error:
        raise bad_input(str(error), str(file)) from error
