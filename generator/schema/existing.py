"""What a database already holds, as far as an addition has to continue it."""

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
        """The highest advertiser id; 0 where there is none."""
        return max((each.advertiser_id for each in self.advertisers), default=0)
