"""The examples in docstrings of the package run, and print what they show."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from tests.support.project import ROOT

# Of all modules those that have an example: an import costs more than a look at the text.
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "generator").rglob("*.py")
    if "\n    >>> " in file.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_show(name) -> None:
    module = import_module(name.removesuffix(".__init__"))
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(module, optionflags=options)
    assert result.attempted > 0
    assert result.failed == 0
