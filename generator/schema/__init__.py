"""What a row is: one pydantic model per raw table, and everything that is derived from it.

`entities` and `facts` hold the models; `arrow`, `ddl` and `dbt_sources` turn them into an Arrow
schema, DuckDB DDL and the dbt source file. No value is made here and nothing is read or written.
"""

from generator.schema.entities import (
    Advertiser,
    Budget,
    Campaign,
    Creative,
    Flight,
    FrequencyCap,
    LineItem,
    Platform,
    Run,
)
from generator.schema.facts import (
    AudienceDaily,
    CampaignReach,
    InventoryHourly,
    PerformanceHourly,
)
from generator.schema.table import Column, Ordered, RawTable, Rule

ENTITIES: tuple[type[RawTable], ...] = (
    Run,
    Platform,
    Advertiser,
    Campaign,
    Flight,
    Budget,
    FrequencyCap,
    LineItem,
    Creative,
)
FACTS: tuple[type[RawTable], ...] = (
    InventoryHourly,
    PerformanceHourly,
    CampaignReach,
    AudienceDaily,
)
TABLES: tuple[type[RawTable], ...] = ENTITIES + FACTS

__all__ = [
    "ENTITIES",
    "FACTS",
    "TABLES",
    "Advertiser",
    "AudienceDaily",
    "Budget",
    "Campaign",
    "CampaignReach",
    "Column",
    "Creative",
    "Flight",
    "FrequencyCap",
    "InventoryHourly",
    "LineItem",
    "Ordered",
    "PerformanceHourly",
    "Platform",
    "RawTable",
    "Rule",
    "Run",
]
