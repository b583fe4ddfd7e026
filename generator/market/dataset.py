"""The world of a dataset: of its scenarios, or of its market."""

from generator.market.build import build_market
from generator.scenario.templates import Dataset
from generator.world.build import build_world
from generator.world.world import World


def world_of(dataset: Dataset) -> World:
    """Return the world of a dataset's scenarios, or of its market."""
    return build_market(dataset) if dataset.market else build_world(dataset)


def market_notices(dataset: Dataset) -> tuple[str, ...]:
    """Return the notice that a market goes on after the as-of day, if it does."""
    plan = dataset.market
    if plan is None or not plan.start_date < dataset.as_of <= plan.end_date:
        return ()
    return (
        f"the market goes on until {plan.end_date}, but the data is seen on {dataset.as_of}, and "
        "nothing from then on is delivered yet; a later as-of day shows it",
    )
