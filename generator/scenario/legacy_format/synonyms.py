"""Words that other tools and older templates use, and what they are called here.

A word is compared in capitals with underscores (`Food & Beverage` is FOOD_BEVERAGE). Nothing is
guessed: a word in none of the tables is an error of the model that it reaches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.scenario.values import DEVICE_SYNONYMS

DEVICES = {**DEVICE_SYNONYMS, "CONNECTED_TV": "CTV", "PHONE": "MOBILE", "PC": "DESKTOP"}
GENRES = {
    "ACTION": "ACTION_ADVENTURE",
    "ADVENTURE": "ACTION_ADVENTURE",
    "BUSINESS": "DOCUMENTARY",
    "CRIME": "TRUE_CRIME",
    "FASHION": "LIFESTYLE",
    "DOCUMENTARIES": "DOCUMENTARY",
    "KIDS": "FAMILY",
    "REALITY_TV": "REALITY",
    "SCIENCE_FICTION": "SCI_FI",
    "SCIFI": "SCI_FI",
    "SPORT": "SPORTS",
    "TALK": "TALK_SHOW",
    "TRAVEL": "LIFESTYLE",
    "TECH": "DOCUMENTARY",
    "TECHNOLOGY": "DOCUMENTARY",
}
DSPS = {
    "AMAZON_DSP": "AMAZON",
    "DV_360": "DV360",
    "GOOGLE": "DV360",
    "GOOGLE_DV360": "DV360",
    "TRADE_DESK": "THE_TRADE_DESK",
    "TTD": "THE_TRADE_DESK",
    "YAHOO_DSP": "YAHOO",
}
NO_DSP = frozenset({"", "DIRECT", "DIRECT_IO", "NONE"})
INDUSTRIES = {
    "AUTO": "AUTOMOTIVE",
    "BANKING": "FINANCE",
    "CPG": "CONSUMER_GOODS",
    "FINANCIAL_SERVICES": "FINANCE",
    "FOOD": "FOOD_BEVERAGE",
    "FOOD_AND_BEVERAGE": "FOOD_BEVERAGE",
    "HEALTHCARE": "HEALTH",
    "TECH": "TECHNOLOGY",
    "TELECOMMUNICATIONS": "TELECOM",
}
AD_FORMATS = {
    "INTERACTIVE": "INTERACTIVE_OVERLAY",
    "PAUSE": "PAUSE_AD",
    "STANDARD": "STANDARD_VIDEO",
    "VIDEO": "STANDARD_VIDEO",
}
AD_SERVERS = {
    "DSP_TAG": "VAST_TAG",
    "HOSTED": "PLATFORM_HOSTED",
    "VAST": "VAST_TAG",
    "VAST_3P": "VAST_TAG",
}
VENDORS = {"DV": "DOUBLEVERIFY", "DOUBLE_VERIFY": "DOUBLEVERIFY", "INTEGRAL": "IAS"}
GEO_TIERS = {"METRO": "DMA", "NATIONAL": "COUNTRY", "STATE": "REGION"}
PLACEMENTS = {"PREROLL": "PRE_ROLL", "MIDROLL": "MID_ROLL"}
TARGETING_KEYS = {
    "AGE": "AGE_RANGE",
    "AGES": "AGE_RANGE",
    "AGE_RANGES": "AGE_RANGE",
    "CONTENT_GENRES": "CONTENT_GENRE",
    "COUNTRIES": "GEO_COUNTRY",
    "COUNTRY": "GEO_COUNTRY",
    "DEVICES": "DEVICE",
    "DMA": "GEO_DMA",
    "DMAS": "GEO_DMA",
    "GENRE": "CONTENT_GENRE",
    "GENRES": "CONTENT_GENRE",
    "INCOME": "HOUSEHOLD_INCOME",
    "INTEREST": "INTEREST_CATEGORY",
    "INTERESTS": "INTEREST_CATEGORY",
    "LIFE_STAGES": "LIFE_STAGE",
}


def word(text: str) -> str:
    """Return a word in capitals, with underscores for all but letters and digits."""
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def synonym(text: str, table: Mapping[str, str]) -> str:
    """Return the project's word for one of the legacy format; others stay, in capitals."""
    return table.get(word(text), word(text))
