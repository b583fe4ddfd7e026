"""How people name campaigns, line items and creatives: in the style of those who book them.

An agency, or an advertiser that buys by itself, writes all its names in one style: its own
separator, order of parts, abbreviations and season codes. A few names have a mistake in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from generator.enums import AdFormat, Device, Industry, Objective, TargetingKey
from generator.randomness import key, uniform

Member = TypeVar("Member")

# Assumptions about people: how many names have a mistake, how many campaigns are a later wave of
# one, and how many creatives are a later version.
_TYPOS = 0.02
_WAVES = 0.3
_VERSIONS = (1, 1, 1, 2, 2, 3)

_SEPARATORS = ("_", "_", "_", " | ", " - ", "-")
_ORDERS = (
    ("brand", "market", "product", "objective", "device", "season"),
    ("season", "brand", "product", "market", "objective"),
    ("brand", "product", "season", "market", "device"),
    ("market", "brand", "objective", "product", "season"),
    ("brand", "objective", "season", "product", "market"),
)
_OBJECTIVES = {
    Objective.AWARENESS: ("Awareness", "AWR", "Brand"),
    Objective.CONSIDERATION: ("Consideration", "CONS", "Consider"),
    Objective.CONVERSION: ("Conversion", "CONV", "Performance"),
}
_FORMATS = {
    AdFormat.STANDARD_VIDEO: ("Video", "VID", "Video"),
    AdFormat.INTERACTIVE_OVERLAY: ("Interactive", "INT", "Overlay"),
    AdFormat.PAUSE_AD: ("Pause ad", "PAUSE", "Pause"),
    AdFormat.SPONSORSHIP: ("Sponsorship", "SPON", "Sponsor"),
}
_PRODUCTS: dict[Industry, tuple[str, ...]] = {
    Industry.AUTOMOTIVE: ("SUV", "Electric", "Compact", "Pick-up", "Lease Offer", "Used Cars"),
    Industry.CONSUMER_GOODS: ("Laundry", "Dish Care", "Razors", "Diapers", "Air Care", "Paper"),
    Industry.ENTERTAINMENT: ("Series", "Film", "Game", "Live Tour", "Theme Park", "Podcast"),
    Industry.FASHION: ("Denim", "Sneakers", "Outerwear", "Watches", "Fragrance", "Kids"),
    Industry.FINANCE: ("Checking", "Card", "Mortgage", "Car Cover", "Investing", "Life Cover"),
    Industry.FOOD_BEVERAGE: ("Cereal", "Snack Bar", "Sparkling", "Coffee", "Pizza", "Burger Deal"),
    Industry.HEALTH: ("Allergy", "Vitamins", "Pain Relief", "Eye Care", "Clinic", "Sleep Aid"),
    Industry.HOME: ("Sofas", "Paint", "Garden", "Mattress", "Kitchen", "Lighting"),
    Industry.RETAIL: ("Weekly Offers", "Groceries", "Electronics", "Toys", "Home Range", "App"),
    Industry.TECHNOLOGY: ("Phone", "Laptop", "Smart Home", "Cloud", "Headphones", "Tablet"),
    Industry.TELECOM: ("5G Plan", "Fibre", "Family Plan", "Prepaid", "Roaming", "Bundle"),
    Industry.TRAVEL: ("Beaches", "City Breaks", "Cruises", "Long Haul", "Resorts", "Loyalty"),
}  # fmt: skip
_MESSAGES = (
    "Launch", "Hero Film", "Offer", "Testimonial", "How It Works", "Family", "Anthem", "Price",
    "Trust", "New Look", "Countdown", "Behind The Scenes", "Reminder", "Every Day",
)  # fmt: skip
_SEASONS = ("Winter", "Winter", "Spring", "Spring", "Spring", "Summer", "Summer", "Summer",
            "Autumn", "Autumn", "Autumn", "Winter")  # fmt: skip
_MANY_DEVICES = ("All devices", "XDEV", "Cross")
_NAMED_BY = (
    TargetingKey.INTEREST_CATEGORY,
    TargetingKey.LIFE_STAGE,
    TargetingKey.CONTENT_GENRE,
)
_NO_AUDIENCE = ("Broad", "RON", "Prospecting")

# Letters of a name, so that no table or chart cuts one. A longer one of a campaign loses the parts
# below, one after the other, and that of a creative its product.
_LONGEST = 44
_LONGEST_OF_A_CREATIVE = 34
_SPARE = ("device", "market", "wave")


@dataclass(frozen=True)
class Style:
    """How one office writes names. `wording` chooses among long, short and other words."""

    separator: str
    parts: tuple[str, ...]
    wording: int
    season: int
    length: int
    is_upper: bool
    joins_words: bool


def style_of(seed: int, office: str) -> Style:
    """Return the style of an office: an agency, or an advertiser without one."""

    def choose(what: str, members: tuple[Member, ...]) -> Member:
        return members[key(seed, "style", what, office) % len(members)]

    separator = choose("separator", _SEPARATORS)
    return Style(
        separator=separator,
        parts=choose("order", _ORDERS),
        wording=choose("wording", (0, 1, 1, 2)),
        season=choose("season", (0, 0, 1, 2, 3, 4)),
        length=choose("length", (0, 0, 1, 2)),
        is_upper=choose("case", (False, False, False, True)),
        joins_words=separator in ("_", "-"),
    )


@dataclass(frozen=True)
class Namer:
    """Names a campaign and what belongs to it. `seed` and `campaign_id` decide what is open."""

    seed: int
    campaign_id: int
    style: Style
    brand: str
    industry: Industry
    objective: Objective
    country: str | None
    start: date

    @property
    def product(self) -> str:
        """The product that the campaign is about."""
        products = _PRODUCTS[self.industry]
        return products[key(self.seed, "product", self.campaign_id) % len(products)]

    def campaign(self, devices: list[str]) -> str:
        """Return the name of the campaign, which runs on these devices (none for all)."""
        parts = {
            "brand": self.brand,
            "market": self.country or "Multi",
            "product": self.product,
            "objective": _OBJECTIVES[self.objective][self.style.wording],
            "device": self._devices(devices),
            "season": self._season(),
        }
        if uniform(self.seed, "is a wave", self.campaign_id) < _WAVES:
            wave = 1 + key(self.seed, "wave", self.campaign_id) % 3
            parts["wave"] = f"{('Wave ', 'W', 'Burst ')[self.style.wording]}{wave}"
        order = (*self.style.parts, "wave")
        choices = [
            [parts[part] for part in order if part in parts and part not in _SPARE[:left_out]]
            for left_out in range(len(_SPARE) + 1)
        ]
        return self._first_short(choices, _LONGEST, "campaign", self.campaign_id)

    def line_item(
        self,
        line_item_id: int,
        ad_format: AdFormat,
        targeting: dict[str, list[str]],
        seconds: int | None,
    ) -> str:
        """Return the name of a line item with this targeting, of creatives this long (None for a
        still image)."""
        parts = [
            self._devices(targeting.get(TargetingKey.DEVICE, [])),
            _FORMATS[ad_format][self.style.wording],
            self._audience(targeting),
        ]
        if seconds is not None:
            parts.append(self._length(seconds))
        return self._text(parts, "line item", line_item_id)

    def creative(self, creative_id: int, seconds: int | None) -> str:
        """Return the name of a creative this long (None for a still image)."""
        message = _MESSAGES[key(self.seed, "message", creative_id) % len(_MESSAGES)]
        version = _VERSIONS[key(self.seed, "version", creative_id) % len(_VERSIONS)]
        length = "PAUSE" if seconds is None else self._length(seconds)
        choices = [
            [self.brand, *about, message, length, f"v{version}"] for about in ([self.product], [])
        ]
        return self._first_short(choices, _LONGEST_OF_A_CREATIVE, "creative", creative_id)

    def _season(self) -> str:
        """Return the season code of the first day."""
        start = self.start
        quarter = (start.month + 2) // 3
        return (
            f"Q{quarter}-{start:%y}",
            f"{start:%Y}Q{quarter}",
            f"{start:%b%y}",
            f"{_SEASONS[start.month - 1]} {start:%Y}",
            f"FY{start:%y}Q{quarter}",
        )[self.style.season]

    def _length(self, seconds: int) -> str:
        return (f"{seconds}s", f":{seconds}", f"{seconds}sec")[self.style.length]

    def _devices(self, devices: list[str]) -> str:
        if not devices or len(devices) == len(Device):
            return _MANY_DEVICES[self.style.wording]
        return "+".join(devices)

    def _audience(self, targeting: dict[str, list[str]]) -> str:
        """Return what people call a targeting: its ages, gender and first interest or genre."""
        parts = []
        if ages := targeting.get(TargetingKey.AGE_RANGE):
            youngest, oldest = ages[0].split("-")[0], ages[-1].split("-")[-1]
            is_open = oldest.endswith("+")
            parts.append(f"A{youngest.rstrip('+')}{'+' if is_open else f'-{oldest}'}")
        if genders := targeting.get(TargetingKey.GENDER):
            parts.append(genders[0][0])
        for named in _NAMED_BY:
            if segments := targeting.get(named):
                more = f"+{len(segments) - 1}" if len(segments) > 1 else ""
                parts.append(segments[0].replace("_", " ").title() + more)
                break
        if regions := targeting.get(TargetingKey.GEO_DMA):
            parts.append(f"{len(regions)} DMA")
        return " ".join(parts) or _NO_AUDIENCE[self.style.wording]

    def _first_short(
        self, choices: list[list[str]], longest: int, kind: str, entity_id: int
    ) -> str:
        """Return the first name of these parts that has at most `longest` letters, or the last."""
        names = [self._text(parts, kind, entity_id) for parts in choices]
        return next((name for name in names if len(name) <= longest), names[-1])

    def _text(self, parts: list[str], kind: str, entity_id: int) -> str:
        """Join parts in the style, and make a mistake in a few names."""
        joined = [part.replace(" ", "") if self.style.joins_words else part for part in parts]
        text = self.style.separator.join(joined)
        text = text.upper() if self.style.is_upper else text
        if uniform(self.seed, "has typo", kind, entity_id) >= _TYPOS:
            return text
        return _with_typo(text, key(self.seed, "typo", kind, entity_id))


def _with_typo(text: str, choice: int) -> str:
    """Return a name with a mistake: two letters swapped, one lost or typed twice, or a copy
    without a new name.

    >>> [_with_typo("Spring", choice) for choice in (8, 9, 10, 11)]
    ['Sprnig', 'Sprng', 'Spriing', 'Spring (copy)']
    """
    mistake, rest = choice % 4, choice // 4
    place = 1 + rest % max(len(text) - 2, 1)
    if mistake == 0:
        swapped = text[place : place + 2][::-1]
        return text[:place] + swapped + text[place + 2 :]
    if mistake == 1:
        return text[:place] + text[place + 1 :]
    if mistake == 2:
        return text[:place] + text[place : place + 1] + text[place:]
    return f"{text} (copy)"
