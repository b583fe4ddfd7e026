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


@pytest.mark.parametrize(
    "path",
    [
        "api.generate",
        "api.tables",
        "clock.local_clock",
        "delivery.campaign.deliver",
        "delivery.campaign.split_exactly",
        "delivery.capping.impression_limits",
        "delivery.pacing.plan",
        "delivery.quantiles.binomial",
        "delivery.quantiles.poisson",
        "delivery.reach.exposure",
        "delivery.reach.windows_of",
        "delivery.supply.country_supply",
        "market.outline.market_outline",
        "masking.mask",
        "pipeline.parts.parts_of",
        "pipeline.run.land",
        "randomness.key",
        "randomness.uniforms",
        "scenario.templates.Library",
        "sinks.fingerprint.Fingerprint",
        "sinks.sink.BatchSink",
        "world.build.build_world",
    ],
)
def test_a_public_door_has_an_example(path: str) -> None:
    module, name = path.rsplit(".", 1)
    assert "\n    >>> " in getattr(import_module(f"generator.{module}"), name).__doc__
