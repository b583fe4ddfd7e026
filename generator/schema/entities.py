"""The raw entities: the run, platforms, advertisers, campaigns and what belongs to a campaign."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import lru_cache
from typing import ClassVar

from generator.enums import (
    AdFormat,
    AdServerType,
    BudgetType,
    BuyType,
    CapScope,
    ChangedEntity,
    ChangeReason,
    CleanRoom,
    ContentTier,
    Currency,
    DspPartner,
    GeoTier,
    Industry,
    MeasurementPartner,
    Objective,
    Pacing,
    Placement,
    QaStatus,
    Status,
    TimeUnit,
    VerificationVendor,
)
from generator.schema.table import (
    Big,
    Constraint,
    Id,
    Micros,
    Number,
    Ratio,
    RawTable,
    Real,
    Rule,
    column,
    descending,
)


class Run(RawTable):
    """The generation that filled this schema. One row per run: which workflow and seed made the
    data, and the day up to which it reports."""

    table_name: ClassVar = "runs"
    grain: ClassVar = ("run_id",)
    primary_key: ClassVar = "run_id"
    landed_at: ClassVar = "cast(as_of_date as timestamp)"

    run_id: Id = column("Number of the run.")
    workflow: str = column("The named dataset, or the scenario file, that was generated.")
    seed: Big = column("The seed of every random draw of the run.")
    as_of_date: date = column("The day the data was made for: no hour on or after it is reported.")
    generator_version: str = column("Version of the generator.")
    market_campaigns: Number | None = column(
        "Campaigns of the whole market, of which these are an even sample; NULL without a market."
    )
    life: str = column(
        "How strongly the forces act: the preset, and the scales that differ from it.", unit="JSON"
    )
    overrides: str = column(
        "What --set, --faults and --log changed in the workflow; {} for nothing.", unit="JSON"
    )
    log_share: Real | None = column(
        "Share of the households with a log of their impressions; NULL without a log.", unit="ratio"
    )
    log_missing_ids: Real | None = column(
        "Share of the logged devices without an id; NULL without a log.", unit="ratio"
    )


class Platform(RawTable):
    """One row per streaming platform: its size, its ad load and the least it delivers at each step
    of the supply funnel."""

    table_name: ClassVar = "platforms"
    grain: ClassVar = ("platform",)
    primary_key: ClassVar = "platform"

    platform: str = column("Name of the platform.")
    name: str = column("Display name of the platform.")
    households: Big = column("Households with the ad tier, all markets.", unit="households")
    ad_minutes_per_hour: Real = column("Planned ad load.", unit="minutes per viewing hour")
    hours_per_household_day: Real = column("Viewing per household.", unit="hours per day")
    min_response_ratio: Ratio = column("Least responses / requests of any row.", unit="ratio")
    min_eligible_ratio: Ratio = column(
        "Least eligible_impressions / responses of any row.", unit="ratio"
    )
    min_win_ratio: Ratio = column("Least auctions_won / eligible_impressions.", unit="ratio")
    min_render_ratio: Ratio = column("Least impressions / auctions_won.", unit="ratio")
    is_skippable_allowed: bool = column("Whether the platform sells skippable ads as a rule.")


class Advertiser(RawTable):
    """One row per advertiser."""

    table_name: ClassVar = "advertisers"
    grain: ClassVar = ("advertiser_id",)
    primary_key: ClassVar = "advertiser_id"

    advertiser_id: Id = column("Identifies the advertiser.")
    name: str = column("Name of the advertiser; invented, never a real company.")
    brand: str = column("The brand that the advertiser advertises.")
    industry: Industry = column("What the advertiser sells.")
    contact_email: str = column(
        "Address of the advertiser's ad operations; always under `.example`.", unique=True
    )
    agency_name: str | None = column("The media agency, NULL where the advertiser buys itself.")
    currency_code: Currency = column("ISO 4217 code of the currency the advertiser is billed in.")
    time_zone: str = column(
        "IANA name of the time zone the advertiser works in. Times are UTC in every table; "
        "fct_campaign_performance_daily_local has the days of this zone."
    )
    status: Status = column("Whether the advertiser is still buying.")
    created_at: datetime = column("When the advertiser was set up.", unit="UTC")
    updated_at: datetime = column("When the row last changed.", unit="UTC")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("contact_email LIKE '%@%.example'", "no generated address can reach anybody"),
        descending("updated_at", "created_at"),
    )


class Campaign(RawTable):
    """One row per campaign."""

    table_name: ClassVar = "campaigns"
    grain: ClassVar = ("campaign_id",)
    primary_key: ClassVar = "campaign_id"

    campaign_id: Id = column("Identifies the campaign.")
    advertiser_id: Id = column(
        "The advertiser that pays for it.", references="advertisers.advertiser_id"
    )
    name: str = column("Name of the campaign.")
    platform: str = column("The platform it runs on.", references="platforms.platform")
    scenario: str = column("The example or profile that made the campaign, or `market`.")
    objective: Objective = column("What the campaign is for.")
    status: Status = column("Status of the campaign on the run's as-of date.")
    buy_type: BuyType = column("How the inventory was bought.")
    dsp_partner: DspPartner | None = column("The buying platform; NULL for DIRECT_IO.")
    target_cpm_micros: Micros = column(
        "Price per thousand impressions that the buyer wants; what guaranteed buys pay.",
        unit="micros of currency_code",
    )
    currency_code: Currency = column("ISO 4217 code of every amount of the campaign.")
    content_tier: ContentTier | None = column("The slice of the catalogue bought, NULL for all.")
    brand_lift_enabled: bool = column("Whether a brand-lift study runs.")
    attention_metrics_enabled: bool = column("Whether attention is measured.")
    clean_room_provider: CleanRoom | None = column("Where audiences are matched, if anywhere.")
    measurement_partner: MeasurementPartner | None = column("Who measures the outcome, if anyone.")
    external_ref: str | None = column("The buyer's own reference, if any.")
    max_share_of_voice: float | None = column(
        "The most of all ad opportunities of its markets that it may take, in any hour and on any "
        "device; NULL where nothing was agreed.",
        unit="share",
    )
    created_at: datetime = column("When the campaign was booked.", unit="UTC")
    updated_at: datetime = column("When the row last changed.", unit="UTC")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule(
            "(buy_type = 'DIRECT_IO') = (dsp_partner IS NULL)",
            "a direct order has no buying platform, every other buy has one",
        ),
        descending("updated_at", "created_at"),
    )


class Flight(RawTable):
    """One row per flight: a run of UTC days on which a campaign delivers. Flights of a campaign do
    not overlap."""

    table_name: ClassVar = "flights"
    grain: ClassVar = ("flight_id",)
    primary_key: ClassVar = "flight_id"

    flight_id: Id = column("Identifies the flight.")
    campaign_id: Id = column("The campaign it belongs to.", references="campaigns.campaign_id")
    start_date: date = column("First day of the flight.", unit="UTC day")
    end_date: date = column("Last day of the flight, included.", unit="UTC day")

    constraints: ClassVar[tuple[Constraint, ...]] = (descending("end_date", "start_date"),)


class Budget(RawTable):
    """One row per budget; a campaign has one."""

    table_name: ClassVar = "budgets"
    grain: ClassVar = ("budget_id",)
    primary_key: ClassVar = "budget_id"

    budget_id: Id = column("Identifies the budget.")
    campaign_id: Id = column(
        "The campaign it pays for.", references="campaigns.campaign_id", unique=True
    )
    amount_micros: Micros = column(
        "The amount: for the whole campaign (LIFETIME) or for each UTC day (DAILY).",
        unit="micros of currency_code",
    )
    budget_type: BudgetType = column("What the amount is for.")
    currency_code: Currency = column("ISO 4217 code of the amount.")


class FrequencyCap(RawTable):
    """One row per frequency cap: at most `max_impressions` per household within `time_units` times
    `time_unit`."""

    table_name: ClassVar = "frequency_caps"
    grain: ClassVar = ("frequency_cap_id",)
    primary_key: ClassVar = "frequency_cap_id"

    frequency_cap_id: Id = column("Identifies the frequency cap.")
    campaign_id: Id = column("The campaign it limits.", references="campaigns.campaign_id")
    max_impressions: Number = column("Most impressions in the window.", unit="impressions")
    time_unit: TimeUnit = column("Unit of the window.")
    time_units: Number = column("Length of the window in that unit.")
    scope: CapScope = column(
        "The unit that the cap was booked for. Exposures are counted by household in any case."
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("max_impressions >= 1", "a cap of zero is a campaign that never runs"),
        Rule("time_units >= 1", "an empty window caps nothing"),
    )


class LineItem(RawTable):
    """One row per line item: what a campaign buys in one format, with one targeting."""

    table_name: ClassVar = "line_items"
    grain: ClassVar = ("line_item_id",)
    primary_key: ClassVar = "line_item_id"

    line_item_id: Id = column("Identifies the line item.")
    campaign_id: Id = column("The campaign it belongs to.", references="campaigns.campaign_id")
    name: str = column("Name of the line item.")
    status: Status = column("Status of the line item on the run's as-of date.")
    ad_format: AdFormat = column("The format it books.")
    bid_cpm_micros: Micros = column(
        "Most it pays per thousand impressions: guaranteed buys pay the smaller of this and "
        "target_cpm_micros, auctions the clearing price below it.",
        unit="micros of currency_code",
    )
    budget_share: Real = column(
        "Its part of the campaign's budget; the shares of a campaign add up to 1.", unit="ratio"
    )
    pacing: Pacing = column("How it spends its budget over a flight.")
    pacing_pct: Number = column(
        "Most it may plan to spend on a day, in percent of that day's share of the first plan.",
        unit="percent",
    )
    ad_server_type: AdServerType = column("How its creatives are served.")
    verification_vendor: VerificationVendor = column(
        "Who measures viewability and invalid traffic."
    )
    geo_tier: GeoTier | None = column("The finest geography it is sold on.")
    targeting: str = column(
        "What it is targeted on: a JSON object of lists, one per key (DEVICE, GEO_COUNTRY, "
        "GEO_DMA, CONTENT_GENRE, AGE_RANGE, GENDER, HOUSEHOLD_INCOME, LIFE_STAGE, "
        "INTEREST_CATEGORY); a key that is not there does not restrict.",
        unit="JSON",
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("budget_share > 0 AND budget_share <= 1", "a share of a whole"),
    )

    def targeting_lists(self) -> dict[str, list[str]]:
        """Return the lists of `targeting`, by key; they are shared, so leave them unchanged."""
        return _targeting_lists(self.targeting)


@lru_cache
def _targeting_lists(text: str) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = json.loads(text)
    return lists


class Creative(RawTable):
    """One row per creative. Files obey the published specifications of the platform: MP4/H.264
    above 8 Mbps (720p) or 12 Mbps (1080p), MOV/ProRes above 42 or 80 Mbps, 16:9 progressive
    BT.709, constant frame rate, stereo at 48 kHz. A pause ad is a still image: what only a video
    has is NULL."""

    table_name: ClassVar = "creatives"
    grain: ClassVar = ("creative_id",)
    primary_key: ClassVar = "creative_id"

    creative_id: Id = column("Identifies the creative.")
    line_item_id: Id = column("The line item it runs in.", references="line_items.line_item_id")
    name: str = column("Name of the creative.")
    asset_url: str = column("Where the file is served from; always under `.example`.")
    checksum: str = column("SHA-256 that stands for the file.", unit="hex")
    mime_type: str = column("Media type of the file.")
    file_format: str = column("Container: MP4, MOV, or PNG for a pause ad.")
    duration_seconds: Number | None = column("Playing time; NULL for a pause ad.", unit="seconds")
    rotation_weight: Number = column("Its weight among the creatives of the line item.")
    rotation_start_date: date | None = column(
        "First day in rotation, NULL for the start of the flight.", unit="UTC day"
    )
    rotation_end_date: date | None = column(
        "Last day in rotation, NULL for the end of the flight.", unit="UTC day"
    )
    placement: Placement = column("Where in the programme it runs.")
    qa_status: QaStatus = column("Outcome of the platform's review.")
    width: Number = column("Width of the picture.", unit="pixels")
    height: Number = column("Height of the picture.", unit="pixels")
    frame_rate: Real | None = column("Frames per second; NULL for a pause ad.", unit="1/s")
    frame_rate_mode: str | None = column("CONSTANT; NULL for a pause ad.")
    aspect_ratio: str = column("Width to height.")
    scan_type: str | None = column("PROGRESSIVE; NULL for a pause ad.")
    video_codec: str | None = column("H264 or PRORES; NULL for a pause ad.")
    codec_profile: str | None = column("Profile of the codec; NULL for a pause ad.")
    chroma_subsampling: str | None = column("4:2:0 (H264) or 4:2:2 (PRORES); NULL for a pause ad.")
    color_primaries: str = column("BT.709.")
    transfer_function: str = column("BT.709.")
    bitrate_kbps: Number | None = column("Video bit rate; NULL for a pause ad.", unit="kbit/s")
    file_size_bytes: Big = column(
        "Size of the file: (video + audio bit rate) x duration for a video.", unit="bytes"
    )
    audio_codec: str | None = column("PCM or AAC; NULL for a pause ad.")
    audio_channels: Number | None = column("2; NULL for a pause ad.")
    audio_sample_rate_hz: Number | None = column("48000; NULL for a pause ad.", unit="Hz")
    is_skippable: bool = column("Whether the viewer can skip it.")
    is_interactive: bool = column("Whether it carries an interactive overlay.")
    interactive_meta: str | None = column("What the overlay does; NULL without one.", unit="JSON")
    qr_code_url: str | None = column("Where the QR code leads; NULL without one.")
    overlay_cta_text: str | None = column("The call to action on screen; NULL without one.")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("rotation_weight >= 1", "a creative that never rotates is not in the line item"),
        Rule("rotation_end_date >= rotation_start_date", "a rotation ends after it starts"),
        Rule(
            "(placement = 'PAUSE') = (duration_seconds IS NULL)",
            "a still image has no playing time, a video has",
        ),
        Rule("duration_seconds IN (10, 15, 20, 30, 45, 60, 75)", "the lengths the platform sells"),
        Rule("width * 9 = height * 16", "every picture is 16:9"),
        Rule("file_size_bytes <= 1000000000", "the largest file the platform accepts"),
        Rule("is_interactive = (interactive_meta IS NOT NULL)", "an overlay says what it does"),
    )


class CampaignChange(RawTable):
    """One row per change of a campaign, or of what belongs to it, after it was booked. The other
    tables have the values that hold on the as-of day."""

    table_name: ClassVar = "campaign_changes"
    grain: ClassVar = ("change_id",)
    primary_key: ClassVar = "change_id"
    is_optional: ClassVar = True

    change_id: Id = column("Identifies the change.")
    campaign_id: Id = column("The campaign it belongs to.", references="campaigns.campaign_id")
    entity_type: ChangedEntity = column("What was changed.")
    entity_id: Id = column("The id of what was changed, in the table of its type.")
    field: str = column("The column that was changed.")
    old_value: str | None = column("The value before, as text; NULL where there was none.")
    new_value: str | None = column("The value from then on, as text; NULL for none.")
    changed_at: datetime = column(
        "When it was changed. A budget holds from the first UTC day that begins then or later, "
        "anything else from the next full hour.",
        unit="UTC",
    )
    reason: ChangeReason = column("Why it was changed.")
