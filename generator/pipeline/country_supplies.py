"""The markets of a run, each computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.clock import hours_of
from generator.delivery.supply import CountrySupply, country_supply
from generator.world.world import World

Supplies = Mapping[str, Mapping[str, CountrySupply]]


class CountrySupplies(Supplies):
    """By platform and country: every market that some campaign is targeted on, from the first to
    the last day of any flight."""

    def __init__(self, world: World) -> None:
        self._of_platform = {
            platform: _Countries(world, platform) for platform in world.outline.countries
        }

    def __getitem__(self, platform: str) -> Mapping[str, CountrySupply]:
        return self._of_platform[platform]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of_platform)

    def __len__(self) -> int:
        return len(self._of_platform)


class _Countries(Mapping[str, CountrySupply]):
    def __init__(self, world: World, platform: str) -> None:
        self._platform_model = world.platform_models[platform]
        self._names = world.outline.countries[platform]
        self._days = world.outline.days
        self._seed = world.run.seed
        self._make: dict[str, CountrySupply] = {}

    def __getitem__(self, country: str) -> CountrySupply:
        if country not in self._names:
            raise KeyError(country)
        if country not in self._make:
            hours = hours_of(int(self._days[0]), int(self._days[-1]))
            self._make[country] = country_supply(self._platform_model, country, hours, self._seed)
        return self._make[country]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
