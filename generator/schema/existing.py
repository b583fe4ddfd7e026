"""The contents of a database that an addition continues."""

from __future__ import annotations

from dataclasses import dataclass

from generator.schema.entities import Advertiser, Run


@dataclass(frozen=True)
class Holdings:
    """The run that filled a database (None in an empty one), its advertisers, the last campaign id,
    and the platforms that have a row."""

    run: Run | None
    advertisers: tuple[Advertiser, ...]
    last_campaign_id: int
    platforms: frozenset[str]

    @property
    def last_advertiser_id(self) -> int:
        """The highest advertiser id; 0 without advertisers."""
        return max((advertiser.advertiser_id for advertiser in self.advertisers), default=0)
