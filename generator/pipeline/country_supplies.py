"""The supply of every country of a run, each computed when it is first used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.arrays import CountError
from generator.clock import hours_of
from generator.delivery.supply import CountrySupply, country_supply
from generator.scenario.errors import bad_input
from generator.world.world import World

Supplies = Mapping[str, Mapping[str, CountrySupply]]


class CountrySupplies(Supplies):
    """Supplies by platform and country: every country that some campaign is targeted on, from the
    first to the last day of any flight."""

    def __init__(self, world: World) -> None:
        self._by_platform = {
            platform: _OfPlatform(world, platform) for platform in world.outline.countries
        }

    def __getitem__(self, platform: str) -> Mapping[str, CountrySupply]:
        return self._by_platform[platform]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_platform)

    def __len__(self) -> int:
        return len(self._by_platform)


class _OfPlatform(Mapping[str, CountrySupply]):
    def __init__(self, world: World, platform: str) -> None:
        self._platform_model = world.platform_models[platform]
        self._names = world.outline.countries[platform]
        self._days = world.outline.days
        self._seed = world.run.seed
        self._booked = world.outline.booked.get(platform, {})
        self._computed: dict[str, CountrySupply] = {}

    def __getitem__(self, country: str) -> CountrySupply:
        if country not in self._names:
            raise KeyError(country)
        if country not in self._computed:
            hours = hours_of(int(self._days[0]), int(self._days[-1]))
            try:
                booked = self._booked.get(country)
                supply = country_supply(self._platform_model, country, hours, self._seed, booked)
            except CountError as error:
                raise bad_input(f"{error}; lower its viewers or ad minutes") from error
            self._computed[country] = supply
        return self._computed[country]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
