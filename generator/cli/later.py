"""Modules that are loaded when a command first uses them, so that a help is there at once."""

from __future__ import annotations

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from typing import Any


def load_later(name: str) -> Any:
    """Return a module of the generator, which is loaded when something is first asked of it.

    >>> load_later("generator.cli.views").__name__
    'generator.cli.views'
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module {name}", name=name)
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules[name] = module
    package, _, own_name = name.rpartition(".")
    setattr(sys.modules[package], own_name, module)
    spec.loader.exec_module(module)
    return module
