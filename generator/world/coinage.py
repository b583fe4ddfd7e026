"""A Faker provider of coined names.

A brand is a coined word, never a dictionary of companies; `KNOWN` lists the coinages that are
already words, names or brands. Faker takes longer to load than anything else here, so `names`
imports this module only when it makes pools.
"""

from __future__ import annotations

from itertools import product

from faker.providers import BaseProvider

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

COINABLE = tuple(
    word.capitalize()
    for word in map("".join, product(ONSETS, MIDDLES, ENDINGS))
    if word not in KNOWN
)

_AGENCY_SUFFIXES = ("Media", "Media Partners", "Communications", "Collective")


class InventedNames(BaseProvider):
    """A Faker provider of coined words and agencies."""

    def coin_word(self) -> str:
        """Return a word without a meaning, capitalised."""
        return "".join(self.random_element(p) for p in (ONSETS, MIDDLES, ENDINGS)).capitalize()

    def agency_name(self) -> str:
        """Return the name of a media agency."""
        return f"{self.coin_word()} {self.random_element(_AGENCY_SUFFIXES)}"
