"""Life can be scaled: by a preset, force by force, in a workflow, on the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from generator import tables
from generator.clock import day_number, hours_of
from generator.delivery.supply import country_supply
from generator.platform.life import Life, Preset
from generator.scenario.errors import InputError
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library, platform

FORCES = [name for name in Life.model_fields if name != "preset"]
MONTH = hours_of(day_number(date(2025, 3, 1)), day_number(date(2025, 3, 31)))
PLATFORM = platform("netflix_like")
WORKFLOW = """
name: quiet
description: A week without market noise
seed: 1
as_of: 2026-01-01
profiles: [small_two_weeks]
life: {preset: rough, market_noise: 0}
"""


def life_of(workflow: str, *sets: str) -> Life:
    (model,) = {
        model.life
        for model in Library()
        .dataset(workflow, [parse_override(change) for change in sets])
        .platforms.values()
    }
    return model


def test_a_preset_is_the_scale_of_every_force() -> None:
    assert {Life().scale(force) for force in FORCES} == {1.0}
    assert {Life(preset=Preset.CALM).scale(force) for force in FORCES} == {0.0}
    assert {Life(preset=Preset.ROUGH).scale(force) for force in FORCES} == {1.8}


@pytest.mark.parametrize("workflow", ["smoke", "complete", "market"])
def test_a_run_sets_the_life_of_its_platforms(workflow: str) -> None:
    assert life_of(workflow) == Life()
    calm = life_of(workflow, "life.preset=calm", "life.market_noise=0.5")
    assert calm.scale("market_noise") == 0.5
    assert calm.scale("price_noise") == 0.0


def test_a_workflow_has_a_life_and_rows_of_the_run_say_which(tmp_path: Path) -> None:
    file = tmp_path / "quiet.yml"
    file.write_text(WORKFLOW)
    assert life_of(str(file)).scale("demand_noise") == 1.8
    runs = tables(str(file), only=["runs"], sets=["life.demand_noise=0.25"])["runs"]
    (text,) = runs.column("life").to_pylist()
    life = Life.model_validate_json(text)
    assert [life.scale(force) for force in ("market_noise", "demand_noise")] == [0.0, 0.25]


def test_a_platform_has_a_life_that_a_run_changes_in_part() -> None:
    calm = PLATFORM.model_copy(update={"life": Life(preset=Preset.CALM)})
    changed = calm.with_life(Life(price_noise=1.0)).life
    assert [changed.scale(force) for force in ("market_noise", "price_noise")] == [0.0, 1.0]
    assert calm.with_life(Life(preset=Preset.REALISTIC)).life.scale("market_noise") == 1.0


def test_an_unknown_force_and_a_negative_scale_are_refused() -> None:
    with pytest.raises(InputError, match=r"there is no life.weather"):
        life_of("smoke", "life.weather=1")
    with pytest.raises(InputError, match=r"life.market_noise"):
        life_of("smoke", "life.market_noise=-1")
    with pytest.raises(InputError, match="calm"):
        life_of("smoke", "life.preset=clam")


def test_a_calm_market_is_the_forecast() -> None:
    calm = PLATFORM.with_life(Life(preset=Preset.CALM))
    supply = country_supply(calm, "US", MONTH, seed=3)
    assert (supply.opportunities == np.rint(supply.forecast)).all()
    assert (supply.price_index == np.round(supply.price_forecast, 4)).all()
