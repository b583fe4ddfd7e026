"""What a row is: one pydantic model per raw table, and everything that is derived from it.

`entities` and `facts` hold the models; `arrow`, `ddl` and `dbt_sources` turn them into an Arrow
schema, DuckDB DDL and the dbt source file. No value is made here and nothing is read or written.
A table that one of the two modules defines is in `TABLES` and in all that follows from it.
"""

from types import ModuleType

from generator.schema import entities, facts
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
    FaultLog,
    InventoryHourly,
    PerformanceHourly,
)
from generator.schema.table import Column, Ordered, RawTable, Rule


def _tables_of(module: ModuleType) -> tuple[type[RawTable], ...]:
    """The tables that a module defines, in the order in which it does."""
    found = (each for each in vars(module).values() if isinstance(each, type))
    return tuple(
        each for each in found if issubclass(each, RawTable) and each.__module__ == module.__name__
    )


ENTITIES = _tables_of(entities)
FACTS = _tables_of(facts)
TABLES = ENTITIES + FACTS

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
    "FaultLog",
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
