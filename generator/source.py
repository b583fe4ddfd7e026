"""The code that makes a run, as a digest: data of different code never shares an identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_SUFFIXES = (".py", ".yml")


@cache
def source_digest() -> str:
    """Return 32 hexadecimal digits: equal for equal Python files and templates of the package, in a
    checkout, in an installed wheel or in a zip."""
    digest = hashlib.blake2b(digest_size=16)
    for path, file in sorted(_files(files("generator"), ""), key=lambda found: found[0]):
        content = file.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        inside = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _files(entry, inside)
        elif entry.name.endswith(_SUFFIXES):
            yield inside, entry
