"""Invented names: Faker pools built once per seed, picked from by hash.

A brand is a coined word, never a dictionary of companies; `KNOWN` keeps out the coinages that are
words, names or brands already. People do not occur: contacts are roles, and every address ends in
`.example`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from faker import Faker
from faker.providers import BaseProvider

from generator.enums import Industry
from generator.randomness import key

Member = TypeVar("Member")

POOL_SIZE = 400

ONSETS = ("br", "cal", "dar", "el", "fen", "gal", "hal", "ist", "jor", "kel", "lum", "mar", "nor",
           "or", "pel", "quin", "ros", "sol", "tal", "ul", "vel", "wes", "yar", "zel")  # fmt: skip
MIDDLES = ("a", "e", "i", "o", "u", "ane", "ari", "elo", "ida", "ive", "omi", "uri")
ENDINGS = ("bra", "dene", "dra", "fell", "gant", "lyn", "mont", "nax", "quay", "rith", "sten",
            "tova", "vane", "vor", "wick", "xia")  # fmt: skip
KNOWN = frozenset({
    "bredene", "bregant", "bremont", "brigant", "brimont", "bristen", "brixia", "bromont",
    "brosten", "brudene", "brumont", "brusten", "calabra", "calafell", "calibra", "calobra",
    "darabra", "elegant", "elevane", "elexia", "elixia", "galaxia", "halisten", "halosten",
    "istidene", "lumisten", "maralyn", "marilyn", "marimont", "maristen", "marolyn", "rosalyn",
    "rosegant", "roselyn", "rosemont", "solibra", "solisten", "taladra", "talisten", "ulisten",
    "yarivane",
})  # fmt: skip

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
_AGENCY_SUFFIXES = ("Media", "Media Partners", "Communications", "Collective")


class InventedNames(BaseProvider):
    """A Faker provider of coined words, film titles and agencies."""

    def coined_word(self) -> str:
        """A word that means nothing, capitalised."""
        return "".join(self.random_element(p) for p in (ONSETS, MIDDLES, ENDINGS)).capitalize()

    def film_title(self) -> str:
        """A working title for a creative: two plain words."""
        return " ".join(self.generator.words(2, unique=True)).capitalize()

    def agency_name(self) -> str:
        """The name of a media agency."""
        return f"{self.coined_word()} {self.random_element(_AGENCY_SUFFIXES)}"


@dataclass(frozen=True)
class Pools:
    """Names to pick from, made once per seed."""

    brands: tuple[str, ...]
    agencies: tuple[str, ...]
    titles: tuple[str, ...]


@lru_cache(maxsize=8)
def pools(seed: int) -> Pools:
    """The pools of one seed."""
    faker = Faker("en_US")
    faker.seed_instance(key(seed, "names"))
    faker.add_provider(InventedNames)

    def many(make: str) -> tuple[str, ...]:
        made = (getattr(faker, make)() for _ in range(POOL_SIZE))
        return tuple(dict.fromkeys(name for name in made if name.split()[0].lower() not in KNOWN))

    return Pools(
        brands=many("coined_word"), agencies=many("agency_name"), titles=many("film_title")
    )


def pick(members: Sequence[Member], *purpose: int | str) -> Member:
    """The member that this seed, purpose and id stand for."""
    return members[key(*purpose) % len(members)]


def company(brand: str, industry: Industry, *purpose: int | str) -> str:
    """The name of a company that sells a brand."""
    return f"{brand} {pick(_SECTORS[industry], *purpose)}"
