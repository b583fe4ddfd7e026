"""The world of a dataset, whichever kind it is."""

from generator.scenario.templates import Dataset
from generator.world.build import build_world
from generator.world.market import build_market
from generator.world.world import World


def world_of(dataset: Dataset) -> World:
    """The world of a dataset's scenarios, or of its market."""
    return build_market(dataset) if dataset.market else build_world(dataset)
