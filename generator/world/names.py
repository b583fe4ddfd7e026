"""Invented names: pools that are made once per seed, and picked from by hash.

No person has a name: contacts are roles, and every address ends in `.example`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from generator.enums import Industry
from generator.randomness import key

POOL_SIZE = 400

Member = TypeVar("Member")

_SECTORS: dict[Industry, tuple[str, ...]] = {
    Industry.AUTOMOTIVE: ("Motors", "Auto", "Mobility"),
    Industry.CONSUMER_GOODS: ("Home Care", "Goods", "Everyday"),
    Industry.ENTERTAINMENT: ("Studios", "Games", "Pictures"),
    Industry.FASHION: ("Apparel", "Atelier", "Footwear"),
    Industry.FINANCE: ("Bank", "Insurance", "Capital"),
    Industry.FOOD_BEVERAGE: ("Foods", "Beverages", "Kitchen"),
    Industry.HEALTH: ("Health", "Pharmacy", "Wellness"),
    Industry.HOME: ("Living", "Interiors", "Garden"),
    Industry.RETAIL: ("Stores", "Market", "Outlet"),
    Industry.TECHNOLOGY: ("Devices", "Software", "Labs"),
    Industry.TELECOM: ("Mobile", "Fibre", "Networks"),
    Industry.TRAVEL: ("Airways", "Hotels", "Journeys"),
}


@dataclass(frozen=True)
class Pools:
    """Names to pick from, made once per seed."""

    brands: tuple[str, ...]
    agencies: tuple[str, ...]

    def brand(self, advertiser_id: int) -> str:
        """Return the brand of an advertiser, which no other has: one word, or two once all words
        are used."""
        level, position = divmod(advertiser_id - 1, len(self.brands))
        word = self.brands[position]
        if not level:
            return word
        return f"{word} {self.brands[(position + level) % len(self.brands)]}"


@lru_cache(maxsize=8)
def pools(seed: int) -> Pools:
    """Return the pools of one seed."""
    # Imported lazily: workers receive ready-made pools and never load Faker.
    from faker import Faker

    from generator.world.coinage import COINABLE, KNOWN, InventedNames

    faker = Faker("en_US")
    faker.seed_instance(key(seed, "names"))
    faker.add_provider(InventedNames)

    brands = list(COINABLE)
    faker.random.shuffle(brands)
    agencies = dict.fromkeys(faker.agency_name() for _ in range(POOL_SIZE))
    return Pools(
        brands=tuple(brands),
        agencies=tuple(name for name in agencies if name.split()[0].lower() not in KNOWN),
    )


def pick(members: Sequence[Member], *purpose: int | str) -> Member:
    """Pick a member by this seed, purpose and id."""
    return members[key(*purpose) % len(members)]


def company(brand: str, industry: Industry, *purpose: int | str) -> str:
    """Return the name of a company that sells a brand."""
    return f"{brand} {pick(_SECTORS[industry], *purpose)}"
