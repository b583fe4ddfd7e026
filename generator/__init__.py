"""Synthetic streaming-advertising data: what was bought, who watched, what happened each hour.

From Python, `generate` and `tables` make a dataset, and `catalogue` has everything with a name.
They are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.api import generate, tables
    from generator.cli.catalogue import catalogue

__version__ = "0.3.0"
__all__ = ["__version__", "catalogue", "generate", "tables"]

_HOMES = {
    "generate": "generator.api",
    "tables": "generator.api",
    "catalogue": "generator.cli.catalogue",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
