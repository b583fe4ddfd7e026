"""The truth of a run with a log, in schema `truth`: what brought each conversion about, and what
campaigns cause. Answers are judged by it, and nothing else reads it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from generator.enums import ConversionCause, ConversionType, Device
from generator.schema.table import (
    Constraint,
    Count,
    HexId,
    Id,
    Micros,
    Number,
    RawTable,
    Real,
    Rule,
    column,
)


class ConversionCauses(RawTable):
    """What brought a conversion about. One row per conversion. All but those that are CAUSED happen
    without ads, too."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "conversion_causes"
    grain: ClassVar = ("conversion_id",)
    is_optional: ClassVar = True

    conversion_id: HexId = column("The conversion.", unit="hex")
    cause: ConversionCause = column(
        "BASELINE: it happens with and without ads. CAUSED: an ad caused it. DISPLACED: it happens "
        "without ads as well, and an ad brought it forward."
    )
    campaign_id: Id | None = column(
        "The campaign of the ad; NULL for BASELINE.", references="campaigns.campaign_id"
    )
    impression_id: HexId | None = column("The ad; NULL for BASELINE.", unit="hex")
    without_ads_ts: datetime | None = column(
        "When it happens without ads; NULL where it does not.", unit="UTC"
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule(
            "(cause = 'BASELINE') = (impression_id IS NULL)"
            " AND (cause = 'BASELINE') = (campaign_id IS NULL)",
            "an ad is named where one acted",
        ),
        Rule("(cause = 'CAUSED') = (without_ads_ts IS NULL)", "only what ads cause needs them"),
    )


class CampaignLift(RawTable):
    """What a campaign causes in the households of the log. One row per campaign, conversion type
    and window. Expected figures follow from the parameters and from the impressions that were
    delivered. The realised ones are counted in `truth.conversion_causes`."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "campaign_lift"
    grain: ClassVar = ("campaign_id", "conversion_type", "window_days")
    is_optional: ClassVar = True

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    conversion_type: ConversionType = column("What households did.")
    window_days: Number = column(
        "How long after the impression a conversion may come; 30 days is the longest.",
        unit="days",
    )
    impressions: Count = column("Impressions of the campaign in the log.", unit="impressions")
    spend_micros: Micros = column("Their cost.", unit="micros of the campaign's currency_code")
    caused_conversions: Count = column(
        "Conversions that the campaign caused in this world until the as-of day.",
        unit="conversions",
    )
    caused_value_micros: Micros = column(
        "Their value.", unit="micros of the campaign's currency_code"
    )
    expected_conversions: Real = column(
        "Conversions that it causes on average over all worlds with these impressions.",
        unit="conversions",
    )
    expected_value: Real = column("Their value.", unit="the campaign's currency_code")
    marginal_conversions: Real = column(
        "Conversions that 1 % more spend would cause: the households that it meets have seen more.",
        unit="conversions",
    )
    marginal_value: Real = column("Their value.", unit="the campaign's currency_code")


class MediaReturns(RawTable):
    """What a campaign causes in the households of the log, by where its ads are seen. One row per
    campaign, conversion type, device, country and region with an impression. Expected conversions
    of a campaign add up to those that `truth.campaign_lift` has within 30 days. Marginal ones need
    not: there the added impressions are where the last ones are."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "media_returns"
    grain: ClassVar = ("campaign_id", "conversion_type", "device", "country", "region_code")
    is_optional: ClassVar = True

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    conversion_type: ConversionType = column("What households did.")
    device: Device = column("Device group of the ads.")
    country: str = column("ISO 3166-1 alpha-2 code of the country of the households.")
    region_code: str = column("Their region or DMA; empty where they live in none that has a name.")
    impressions: Count = column("Impressions there in the log.", unit="impressions")
    spend_micros: Micros = column("Their cost.", unit="micros of the campaign's currency_code")
    expected_conversions: Real = column(
        "Conversions that they cause on average over all worlds until the as-of day.",
        unit="conversions",
    )
    expected_value: Real = column("Their value.", unit="the campaign's currency_code")
    marginal_conversions: Real = column(
        "Conversions that 1 % more spend there would cause: as many for each impression as the "
        "last tenth of the impressions of the campaign caused there.",
        unit="conversions",
    )
    marginal_value: Real = column("Their value.", unit="the campaign's currency_code")


class HouseholdOutcomes(RawTable):
    """What a household does with and without the ads of a campaign, from the campaign's first day
    to 30 days after its last. One row per household, campaign and conversion type with a conversion
    in one of the two worlds; other households that the campaign addresses have none in both."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "household_outcomes"
    grain: ClassVar = ("campaign_id", "household_id", "conversion_type")
    is_optional: ClassVar = True

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    household_id: Id = column("The household.")
    conversion_type: ConversionType = column("What it did.")
    impressions: Count = column(
        "Impressions of the campaign that were delivered to it.", unit="impressions"
    )
    conversions_without_ads: Count = column(
        "Its conversions without the campaign's ads, Y(0).", unit="conversions"
    )
    conversions_with_ads: Count = column(
        "Its conversions with the campaign's ads, Y(1).", unit="conversions"
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("conversions_with_ads >= 1", "a household without a conversion has no row"),
    )


class ExperimentLift(RawTable):
    """What an experiment should find. One row per experiment and conversion type. It counts, in the
    households of the log and the time of the experiment, what happens without ads and what this
    campaign causes."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "experiment_lift"
    grain: ClassVar = ("experiment_id", "conversion_type")
    is_optional: ClassVar = True

    experiment_id: Id = column("The experiment.", references="experiments.experiment_id")
    conversion_type: ConversionType = column("What households did.")
    contamination: Real = column(
        "Share of the ads kept from control households that reach them all the same.", unit="ratio"
    )
    test_households: Count = column("Households of the test arm.", unit="households")
    control_households: Count = column("Households of the control arm.", unit="households")
    reached_households: Count = column(
        "Households of the test arm that saw the campaign.", unit="households"
    )
    conversions_without_ads: Count = column(
        "What the reached households do without the ads.", unit="conversions"
    )
    caused_conversions: Number = column(
        "What they do more with the ads, in this world.", unit="conversions"
    )
    expected_conversions: Real = column(
        "What they do more on average over all worlds with these impressions.", unit="conversions"
    )
    leaked_conversions: Count = column(
        "What ads caused in the control arm, by contamination.", unit="conversions"
    )


class CreativeEffects(RawTable):
    """What a creative causes. One row per creative and conversion type of a campaign that counts
    conversions."""

    schema_name: ClassVar = "truth"
    table_name: ClassVar = "creative_effects"
    grain: ClassVar = ("creative_id", "conversion_type")
    is_optional: ClassVar = True

    creative_id: Id = column("The creative.", references="creatives.creative_id")
    campaign_id: Id = column("Its campaign.", references="campaigns.campaign_id")
    conversion_type: ConversionType = column("What households do.")
    relative_effect: Real = column(
        "What it causes relative to a usual creative of the campaign.", unit="ratio"
    )
    chance: Real = column(
        "Chance that it causes a conversion, if a household sees it to the end and has seen no ad "
        "of the campaign before.",
        unit="ratio",
    )
