"""Arrays in a file that several processes look at."""

import os

import numpy as np
import pytest

from generator.engines.shared import map_arrays, nameless_file, write_arrays
from generator.market.dataset import world_of
from generator.pipeline.country_supplies import CountrySupplies
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library


def test_the_markets_of_a_run_come_back_as_they_were() -> None:
    world = world_of(Library().dataset("market", [parse_override("market.campaigns=3")]))
    supplies = {name: dict(countries) for name, countries in CountrySupplies(world).items()}
    with nameless_file() as file:
        shared = write_arrays(supplies, file)
        back = map_arrays(shared, file)
    assert {name: list(countries) for name, countries in back.items()} == {
        name: list(countries) for name, countries in supplies.items()
    }
    for platform, countries in supplies.items():
        for country, supply in countries.items():
            assert supply.booked is not None
            same = back[platform][country]
            np.testing.assert_equal(vars(same.booked), vars(supply.booked))
            for name, value in vars(supply).items():
                if name != "booked":
                    np.testing.assert_array_equal(getattr(same, name), value)


def test_what_is_shared_cannot_be_changed_and_outlives_the_descriptor() -> None:
    with nameless_file() as file:
        (back,) = map_arrays(write_arrays([np.arange(5)], file), file)
    assert back.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1


def test_views_of_the_same_memory_are_written_once() -> None:
    whole = np.arange(1000).reshape(10, 100, 1)
    with nameless_file() as file:
        back, view = map_arrays(write_arrays([whole, whole[:, :, 0]], file), file)
        assert os.fstat(file).st_size == whole.nbytes
    np.testing.assert_array_equal(back[:, :, 0], view)


@pytest.mark.parametrize("thing", [{}, [np.zeros(0)], [np.zeros((0, 4)), "text"]], ids=str)
def test_nothing_to_share_is_shared_as_well(thing) -> None:
    with nameless_file() as file:
        back = map_arrays(write_arrays(thing, file), file)
    assert repr(back) == repr(thing)
