"""The log of single impressions: who saw which ad when. Also won slots that ended in an error,
experiments that hold households out, and the households, profiles and devices of the log."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from generator.enums import (
    ConversionSource,
    ConversionType,
    Currency,
    Device,
    DeviceFamily,
    ExperimentArm,
    ExperimentDesign,
    ExperimentUnit,
    FurthestEvent,
    IfaType,
    ViewingBand,
)
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
    Word,
    column,
    descending,
)

# A batch of conversions names the campaign that reports them, in the metadata of its schema.
REPORTED_BY = b"reported by campaign"


class AdImpression(RawTable):
    """Who saw an ad, and what became of it. One row per impression: those of one line item,
    creative, device and hour add up to its row of `performance_hourly`. With a panel only the
    impressions of some households are logged. All people and identifiers are made up."""

    table_name: ClassVar = "ad_impressions"
    grain: ClassVar = ("impression_id",)
    is_repaired: ClassVar = True
    is_optional: ClassVar = True
    landed_at: ClassVar = "loaded_at"
    time_column: ClassVar = "hour_ts"

    impression_id: HexId = column("Identifies the impression.", unit="hex")
    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    line_item_id: Id = column("The line item.", references="line_items.line_item_id")
    creative_id: Id = column("The creative.", references="creatives.creative_id")
    device: Device = column("Device group.")
    hour_ts: datetime = column("Start of the hour that counts the impression.", unit="UTC")
    event_ts: datetime = column("When the ad began to render, to the microsecond.", unit="UTC")
    household_id: Id = column("The household that saw it, the same in all campaigns.")
    profile_id: Id = column("The profile of the household that was watching.")
    device_id: Id | None = column("The device that it ran on; NULL where its id is missing.")
    ifa_type: IfaType | None = column(
        "The kind of identifier for advertising of the device; NULL where its id is missing."
    )
    limit_ad_tracking: bool = column("Whether the device asks not to be tracked.")
    session_id: Id = column("The sitting that it was seen in.")
    content_genre: Word = column("Genre of the programme.")
    break_number: Count = column(
        "The break of the sitting, in order of time; breaks without a logged ad have numbers, too."
    )
    pod_size: Count = column("Ad slots of the break.", unit="ad slots")
    slot_in_pod: Count = column("The slot of the break, from 1.")
    exposure_number: Count = column(
        "How many impressions of the campaign the household has seen with this one.",
        unit="impressions",
    )
    furthest_event: FurthestEvent = column(
        "The last VAST event of its progress; NOT_STARTED for a pause ad."
    )
    milliseconds_watched: Number = column(
        "How long the video played; 0 for a pause ad.", unit="milliseconds"
    )
    is_skipped: bool = column("Whether it was skipped.")
    is_clicked: bool = column("Whether it was clicked.")
    is_scanned: bool = column("Whether its QR code was scanned.")
    is_engaged: bool = column("Whether someone engaged with its overlay.")
    is_measurable: bool = column("Whether its viewability could be measured (MRC).")
    is_viewable: bool = column(
        "Whether half of its pixels were in view for two continuous seconds (MRC)."
    )
    is_audible: bool = column("Whether it was measurable and played with sound.")
    spend_micros: Micros = column(
        "Its cost, an equal part of that of the hourly row in whole micros.",
        unit="micros of the campaign's currency_code",
    )
    loaded_at: datetime = column("When it landed in the warehouse.", unit="UTC")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        descending("event_ts", "hour_ts"),
        descending("pod_size", "slot_in_pod"),
        Rule("is_measurable OR NOT (is_viewable OR is_audible)", "what is seen can be measured"),
    )


class AdError(RawTable):
    """A won slot that ended in a VAST error. One row per error: those of one line item, creative,
    device and hour are the `error_count` of its row of `performance_hourly`. With a panel a share
    of them is logged."""

    table_name: ClassVar = "ad_errors"
    grain: ClassVar = ("error_id",)
    is_repaired: ClassVar = True
    is_optional: ClassVar = True
    landed_at: ClassVar = "loaded_at"
    time_column: ClassVar = "hour_ts"

    error_id: HexId = column("Identifies the error.", unit="hex")
    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    line_item_id: Id = column("The line item.", references="line_items.line_item_id")
    creative_id: Id = column("The creative.", references="creatives.creative_id")
    device: Device = column("Device group.")
    hour_ts: datetime = column("Start of the hour that counts the error.", unit="UTC")
    event_ts: datetime = column("When it happened, to the microsecond.", unit="UTC")
    vast_error_code: Number = column("What happened: the error code of VAST 4.")
    loaded_at: datetime = column("When it landed in the warehouse.", unit="UTC")

    constraints: ClassVar[tuple[Constraint, ...]] = (descending("event_ts", "hour_ts"),)


class Experiment(RawTable):
    """An experiment on a campaign: some of the households that it addresses are held out, and never
    see it. One row per experiment."""

    table_name: ClassVar = "experiments"
    grain: ClassVar = ("experiment_id",)
    primary_key: ClassVar = "experiment_id"
    is_optional: ClassVar = True

    experiment_id: Id = column("Identifies the experiment; the id of its campaign.")
    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    experiment_design: ExperimentDesign = column(
        "What is known of the control arm. GHOST_ADS: the ads that it would have seen. PSA: it "
        "sees public service ads in their place. INTENT_TO_TREAT: who is in it, and no more."
    )
    experiment_unit: ExperimentUnit = column("What is assigned to an arm.")
    control_share: Real = column(
        "Share of the addressed households that is held out.", unit="ratio"
    )
    starts_at: datetime = column(
        "From when on conversions are compared: the first day of the campaign.", unit="UTC"
    )
    ends_at: datetime = column(
        "Until when: nothing follows from an ad any more, or the as-of day.", unit="UTC"
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        descending("ends_at", "starts_at"),
        Rule("control_share > 0 AND control_share <= 0.5", "the control arm is the smaller one"),
    )


class ExperimentAssignment(RawTable):
    """The arm of a household that the campaign of an experiment addresses, whether an ad came its
    way or not. One row per experiment and household of the log."""

    table_name: ClassVar = "experiment_assignments"
    grain: ClassVar = ("experiment_id", "household_id")
    is_optional: ClassVar = True

    experiment_id: Id = column("The experiment.", references="experiments.experiment_id")
    household_id: Id = column("The household.")
    experiment_arm: ExperimentArm = column(
        "TEST: the campaign may reach it. CONTROL: it is held out."
    )
    prior_conversions: Count = column(
        "What it did in the 28 days before the experiment, of all that the campaign counts.",
        unit="conversions",
    )
    prior_viewing_hours: Real = column(
        "How long it watched in the 28 days before the experiment.", unit="hours"
    )


class GhostImpression(RawTable):
    """An ad that a household of a control arm would have seen: the opportunity that the campaign
    would have won. It costs nothing, and no hourly row counts it. In a PSA experiment the household
    saw a public service ad at this moment. One row per ad."""

    table_name: ClassVar = "ghost_impressions"
    grain: ClassVar = ("ghost_id",)
    is_optional: ClassVar = True
    time_column: ClassVar = "hour_ts"

    ghost_id: HexId = column("Identifies the ad that was not shown.", unit="hex")
    experiment_id: Id = column("The experiment.", references="experiments.experiment_id")
    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    line_item_id: Id = column("The line item.", references="line_items.line_item_id")
    creative_id: Id = column("The creative.", references="creatives.creative_id")
    device: Device = column("Device group.")
    hour_ts: datetime = column("Start of the hour of `event_ts`.", unit="UTC")
    event_ts: datetime = column("When the ad would have begun to render.", unit="UTC")
    household_id: Id = column("The household.")
    exposure_number: Count = column(
        "How many impressions of the campaign it would have seen with this one.",
        unit="impressions",
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (descending("event_ts", "hour_ts"),)


class Household(RawTable):
    """A household that is in the log, and what the platform knows of it. One row per household. All
    households are made up."""

    table_name: ClassVar = "households"
    grain: ClassVar = ("household_id",)
    is_optional: ClassVar = True

    household_id: Id = column("Identifies the household.")
    platform: str = column("The platform.", references="platforms.platform")
    country: str = column("ISO 3166-1 alpha-2 code of the country that it lives in.")
    region: str | None = column("Its region or DMA; NULL where it lives in none that has a name.")
    time_zone: str = column("IANA name of its time zone.")
    profiles: Number = column("Profiles on its account, 1 to 5.", unit="profiles")
    household_income: str = column("The band of its yearly income.")
    life_stage: str = column("Its life stage.")
    viewing_band: ViewingBand = column(
        "Whether it is of the third of the households of its region that watches least or most."
    )


class Profile(RawTable):
    """A profile of a household in the log: a person who watches. One row per profile. All people
    are made up."""

    table_name: ClassVar = "profiles"
    grain: ClassVar = ("profile_id",)
    is_optional: ClassVar = True

    profile_id: Id = column("Identifies the profile.")
    household_id: Id = column("Its household.", references="households.household_id")
    profile_number: Number = column("Its number in the household, from 1; the first watches most.")
    age_range: str = column("The age range of the person.")
    gender: str = column("The gender of the person; UNKNOWN where none was given.")
    interest_category: str = column("What the person is most interested in.")


class HouseholdDevice(RawTable):
    """A device of a household in the log. One row per device. All devices are made up."""

    table_name: ClassVar = "devices"
    grain: ClassVar = ("device_id",)
    is_optional: ClassVar = True

    device_id: Id = column("Identifies the device.")
    household_id: Id = column("Its household.", references="households.household_id")
    device: Device = column("Device group.")
    device_number: Number = column(
        "Its number among those of the group in the household, from 1; a phone has the number of "
        "its profile."
    )
    device_family: DeviceFamily = column("What it is.")
    ifa_type: IfaType | None = column(
        "The kind of its identifier for advertising; NULL for a computer, which has none."
    )
    limit_ad_tracking: bool = column("Whether it asks not to be tracked.")


class Conversion(RawTable):
    """What a household did that an advertiser counts: its tag, app or till reported it. One row per
    conversion of a household that a campaign in the log addresses, whether it saw an ad or not. No
    column says what brought it about; `truth.conversion_causes` does."""

    table_name: ClassVar = "conversions"
    grain: ClassVar = ("conversion_id",)
    is_optional: ClassVar = True
    is_repaired: ClassVar = True
    time_column: ClassVar = "event_ts"

    conversion_id: HexId = column("Identifies the conversion.", unit="hex")
    data_set_id: Id = column("The tag that reported it: one for each advertiser and type.")
    advertiser_id: Id = column("The advertiser.", references="advertisers.advertiser_id")
    order_id: HexId | None = column("The order; NULL where nothing was bought.", unit="hex")
    conversion_type: ConversionType = column("What the household did.")
    conversion_source: ConversionSource = column("Where it did so.")
    event_ts: datetime = column("When it did so.", unit="UTC")
    received_at: datetime = column("When the platform heard of it.", unit="UTC")
    household_id: Id | None = column("The household; NULL where it is not known.")
    device_id: Id | None = column(
        "The phone that it was done on; NULL for another or an unknown device."
    )
    click_id: HexId | None = column(
        "The impression that was clicked on the way to it; NULL without a click.", unit="hex"
    )
    value_micros: Micros = column(
        "What it is worth to the advertiser.", unit="micros of currency_code"
    )
    currency_code: Currency = column("ISO 4217 code of its value.")
    is_new_customer: bool = column("Whether the household had bought nothing before.")

    constraints: ClassVar[tuple[Constraint, ...]] = (descending("received_at", "event_ts"),)
