"""The rows of the raw tables: one pydantic model per table, and everything that is derived from it.

`entities`, `facts`, `log` and `truth` hold the models; `arrow`, `ddl` and `dbt_sources` turn them
into an Arrow schema, DuckDB DDL and the dbt source file. No value is made here and nothing is read
or written.
A table that one of the four modules defines is in `TABLES` and in all that follows from it.
"""

from types import ModuleType

from generator.schema import entities, facts, log, truth
from generator.schema.entities import (
    Advertiser,
    Budget,
    Campaign,
    CampaignChange,
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
    ConversionsDaily,
    FaultLog,
    Holiday,
    InventoryHourly,
    PerformanceHourly,
    PricesWeekly,
)
from generator.schema.log import (
    AdError,
    AdImpression,
    Conversion,
    Experiment,
    ExperimentAssignment,
    GhostImpression,
    Household,
    HouseholdDevice,
    Profile,
)
from generator.schema.table import Column, Ordered, RawTable, Rule
from generator.schema.truth import (
    CampaignLift,
    ConversionCauses,
    CreativeEffects,
    ExperimentLift,
    HouseholdOutcomes,
    MediaReturns,
)


def _tables_of(module: ModuleType) -> tuple[type[RawTable], ...]:
    """Return the tables that a module defines, in the order of their definitions."""
    classes = (member for member in vars(module).values() if isinstance(member, type))
    return tuple(
        table
        for table in classes
        if issubclass(table, RawTable) and table.__module__ == module.__name__
    )


ENTITIES = _tables_of(entities)
FACTS = _tables_of(facts)
LOG = _tables_of(log)
TRUTH = _tables_of(truth)
TABLES = ENTITIES + FACTS + LOG + TRUTH

__all__ = [
    "ENTITIES",
    "FACTS",
    "LOG",
    "TABLES",
    "TRUTH",
    "AdError",
    "AdImpression",
    "Advertiser",
    "AudienceDaily",
    "Budget",
    "Campaign",
    "CampaignChange",
    "CampaignLift",
    "CampaignReach",
    "Column",
    "Conversion",
    "ConversionCauses",
    "ConversionsDaily",
    "Creative",
    "CreativeEffects",
    "Experiment",
    "ExperimentAssignment",
    "ExperimentLift",
    "FaultLog",
    "Flight",
    "FrequencyCap",
    "GhostImpression",
    "Holiday",
    "Household",
    "HouseholdDevice",
    "HouseholdOutcomes",
    "InventoryHourly",
    "LineItem",
    "MediaReturns",
    "Ordered",
    "PerformanceHourly",
    "Platform",
    "PricesWeekly",
    "Profile",
    "RawTable",
    "Rule",
    "Run",
]
