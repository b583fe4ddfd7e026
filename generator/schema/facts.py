"""The raw facts: ad inventory, hourly performance, campaign reach, the daily audience, daily
conversions, and the log of the faults that were put in on purpose."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from generator.enums import (
    AudienceDimension,
    ConversionType,
    Device,
    FaultType,
    ReachWindow,
    TouchType,
)
from generator.schema.table import (
    Big,
    Constraint,
    Count,
    Id,
    Micros,
    Number,
    RawTable,
    Real,
    Rule,
    column,
    descending,
)

SUPPLY_FUNNEL = ("requests", "responses", "eligible_impressions", "auctions_won", "impressions")
VIDEO_FUNNEL = ("impressions", "video_starts", "video_q25", "video_q50", "video_q75", "video_q100")


class InventoryHourly(RawTable):
    """What the campaigns competed for. One row per platform, country, device and hour: every ad
    opportunity that viewing created, sold or not."""

    table_name: ClassVar = "inventory_hourly"
    grain: ClassVar = ("platform", "country", "device", "hour_ts")

    platform: str = column("The platform.", references="platforms.platform")
    country: str = column("ISO 3166-1 alpha-2 code of the market.")
    device: Device = column("Device group.")
    hour_ts: datetime = column("Start of the hour.", unit="UTC")
    ad_opportunities: Count = column("Ad slots that viewing created.", unit="ad slots")
    price_index: Real = column(
        "Price level of the hour's auctions; 1 is the country's usual level, seasons and bookings "
        "move it.",
        unit="ratio",
    )
    booked_share: Real | None = column(
        "Part of the day's expected ad slots that the campaigns of the market are sized to, those "
        "left out of a sample included; NULL on a day without a market.",
        unit="ratio",
    )


class PerformanceHourly(RawTable):
    """What happened to a line item. One row per line item, creative, device and hour, dense over
    the flight: an hour without impressions is a row of zeros, a missing hour is a fault."""

    table_name: ClassVar = "performance_hourly"
    grain: ClassVar = ("line_item_id", "creative_id", "device", "hour_ts")
    is_repaired: ClassVar = True
    landed_at: ClassVar = "loaded_at"

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    line_item_id: Id = column("The line item.", references="line_items.line_item_id")
    creative_id: Id = column("The creative.", references="creatives.creative_id")
    device: Device = column("Device group.")
    hour_ts: datetime = column("Start of the hour.", unit="UTC")
    requests: Count = column(
        "Ad requests for which the line item was a candidate and this creative in rotation. A "
        "request may have several candidates, so requests never add up to inventory.",
        unit="requests",
    )
    responses: Count = column("Requests that were answered with an ad in time.", unit="responses")
    eligible_impressions: Count = column(
        "Responses left after frequency capping, brand safety and competitive separation.",
        unit="responses",
    )
    auctions_won: Count = column("Eligible responses that won the slot.", unit="slots")
    impressions: Count = column(
        "Ads that began to render, net of invalid traffic (IAB / MRC).", unit="impressions"
    )
    measurable_impressions: Count = column(
        "Impressions with measurable viewability (MRC).", unit="impressions"
    )
    viewable_impressions: Count = column(
        "Measurable impressions with at least half of the pixels in view for two continuous "
        "seconds (MRC).",
        unit="impressions",
    )
    audible_impressions: Count = column(
        "Measurable impressions that played with sound.", unit="impressions"
    )
    invalid_impressions: Count = column(
        "Rendered ads filtered as invalid traffic (GIVT and SIVT); not part of impressions.",
        unit="impressions",
    )
    video_starts: Count = column("VAST start events; 0 for pause ads.", unit="events")
    video_q25: Count = column("VAST firstQuartile events.", unit="events")
    video_q50: Count = column("VAST midpoint events.", unit="events")
    video_q75: Count = column("VAST thirdQuartile events.", unit="events")
    video_q100: Count = column("VAST complete events.", unit="events")
    clicks: Count = column("Clicks through to the advertiser.", unit="clicks")
    skips: Count = column("VAST skip events; 0 unless the creative is skippable.", unit="events")
    qr_scans: Count = column("Scans of the QR code; 0 without one.", unit="scans")
    interactive_engagements: Count = column(
        "Engagements with the overlay; 0 unless the creative is interactive.", unit="engagements"
    )
    spend_micros: Micros = column(
        "Cost of the impressions.", unit="micros of the campaign's currency_code"
    )
    error_count: Count = column("Won slots that ended in a VAST error.", unit="errors")
    timeout_count: Count = column("Requests that no answer reached in time.", unit="requests")
    loaded_at: datetime = column(
        "When the row landed in the warehouse. The rows of a UTC day land together, at 06:00 of "
        "the next day; of several versions of a row the one that landed last is the valid one.",
        unit="UTC",
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        descending(*SUPPLY_FUNNEL),
        descending(*VIDEO_FUNNEL),
        descending("requests - responses", "timeout_count"),
        descending("auctions_won - impressions", "error_count + invalid_impressions"),
        descending("impressions", "measurable_impressions", "viewable_impressions"),
        descending("measurable_impressions", "audible_impressions"),
        descending("impressions", "clicks"),
        descending("impressions", "qr_scans"),
        descending("impressions", "interactive_engagements"),
        descending("video_starts - video_q100", "skips"),
    )


class CampaignReach(RawTable):
    """How many households a campaign reached. One row per campaign, window and window start. Reach
    is never additive: windows are counted, not summed."""

    table_name: ClassVar = "campaign_reach"
    grain: ClassVar = ("campaign_id", "reach_window", "window_start")

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    reach_window: ReachWindow = column(
        "The span that is counted: an hour, a UTC day, an ISO week (Monday to Sunday), or from the "
        "first day of the campaign to the end of the day in window_start."
    )
    window_start: datetime = column(
        "Start of the hour, day or week; for FLIGHT_TO_DATE the day through which is counted.",
        unit="UTC",
    )
    impressions: Big = column("Impressions in the window.", unit="impressions")
    reach: Count = column("Households with at least one impression.", unit="households")
    reach_2plus: Count = column("Households with at least two.", unit="households")
    reach_3plus: Count = column("Households with at least three.", unit="households")
    reach_5plus: Count = column("Households with at least five.", unit="households")
    reach_10plus: Count = column("Households with at least ten.", unit="households")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        descending(
            "impressions", "reach", "reach_2plus", "reach_3plus", "reach_5plus", "reach_10plus"
        ),
        Rule(
            "reach + reach_2plus + reach_3plus + 2 * reach_5plus + 5 * reach_10plus <= impressions "
            "AND (reach_10plus > 0 OR "
            "impressions <= reach + reach_2plus + 2 * reach_3plus + 5 * reach_5plus)",
            "some households with whole exposures have these tiers and impressions",
        ),
    )


class AudienceDaily(RawTable):
    """Who a campaign's day was delivered to. One row per campaign, UTC day, dimension and segment;
    the segments of one dimension add up to the day."""

    table_name: ClassVar = "audience_daily"
    grain: ClassVar = ("campaign_id", "activity_date", "dimension", "segment")

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    activity_date: date = column("The day.", unit="UTC day")
    dimension: AudienceDimension = column("By what the day is split.")
    segment: str = column("The part: an age range, a genre, a country, a local hour (00-23).")
    impressions: Count = column("Impressions delivered to the segment.", unit="impressions")
    video_q100: Count = column("Completed views of the segment.", unit="events")
    clicks: Count = column("Clicks of the segment.", unit="clicks")

    constraints: ClassVar[tuple[Constraint, ...]] = (
        descending("impressions", "video_q100"),
        descending("impressions", "clicks"),
    )


class ConversionsDaily(RawTable):
    """What the platform counts as conversions, by last touch: each one for the last click of the
    household on an ad of the campaign, or else for the last impression, within a window. One row
    per creative, device, UTC day of the conversion, conversion type and touch type with at least
    one conversion. Conversions follow ads with a lag, so some come after the flight. Each campaign
    counts for itself, so a household that two campaigns of an advertiser reach may be counted by
    both. Most of what is counted would also have happened without the ads."""

    table_name: ClassVar = "conversions_daily"
    grain: ClassVar = ("creative_id", "device", "activity_date", "conversion_type", "touch_type")
    is_optional: ClassVar = True

    campaign_id: Id = column("The campaign.", references="campaigns.campaign_id")
    line_item_id: Id = column("The line item.", references="line_items.line_item_id")
    creative_id: Id = column("The creative of the touch.", references="creatives.creative_id")
    device: Device = column("Device group of the touch.")
    activity_date: date = column("The day of the conversion.", unit="UTC day")
    conversion_type: ConversionType = column("What the household did.")
    touch_type: TouchType = column("Whether the last touch was a click or an impression.")
    window_days: Number = column(
        "How long before the conversion a touch of this type may lie.", unit="days"
    )
    conversions: Count = column("Conversions counted.", unit="conversions")
    value_micros: Micros = column(
        "What the conversions are worth to the advertiser: orders, or the value it gives a lead.",
        unit="micros of the campaign's currency_code",
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("conversions >= 1", "a cell without conversions has no row"),
    )


class PricesWeekly(RawTable):
    """What an advertiser asks for what it sells. One row per advertiser, platform and week, from
    the first week of a flight in the data to the as-of day. Purchases follow it, also those without
    ads."""

    table_name: ClassVar = "prices_weekly"
    grain: ClassVar = ("advertiser_id", "platform", "week_start_date")
    is_optional: ClassVar = True

    advertiser_id: Id = column("The advertiser.", references="advertisers.advertiser_id")
    platform: str = column(
        "The platform with the households that buy.", references="platforms.platform"
    )
    week_start_date: date = column("Monday of the week.", unit="local day")
    price_index: Real = column(
        "What its goods cost, relative to their usual price, discounts included.", unit="ratio"
    )
    discount: Real = column(
        "Part that a promotion takes off the price of the week; 0 without one.", unit="ratio"
    )

    constraints: ClassVar[tuple[Constraint, ...]] = (
        Rule("price_index > 0", "nothing is sold for nothing"),
    )


class Holiday(RawTable):
    """A holiday. One row per platform, country and day from the first flight in the data to the
    as-of day. Households watch more and buy more."""

    table_name: ClassVar = "holidays"
    grain: ClassVar = ("platform", "country", "holiday_date")
    is_optional: ClassVar = True

    platform: str = column("The platform.", references="platforms.platform")
    country: str = column("ISO 3166-1 alpha-2 code of the country.")
    holiday_date: date = column("The day.", unit="local day")


class FaultLog(RawTable):
    """What was spoilt on purpose, and the incidents of a market, and where: the truth that a search
    for faults is judged by. One row per fault, campaign and UTC day; a day of a long log may be in
    two."""

    table_name: ClassVar = "fault_log"
    grain: ClassVar = ("fault", "campaign_id", "activity_date", "from_ts")
    is_optional: ClassVar = True

    fault: str = column(
        "The fault: its type and its number among those of the type. An incident: its type, what "
        "it happened to, and its first hour."
    )
    fault_type: FaultType = column(
        "What kind of fault or incident it is: the seed `fault_types` says which is which."
    )
    affected_table: str = column("The raw table of the touched rows.")
    campaign_id: Id = column(
        "The campaign of the touched rows.", references="campaigns.campaign_id"
    )
    activity_date: date = column("The day of the touched rows.", unit="UTC day")
    keys: str = column("What the fault or incident was aimed at, with its figures, as JSON.")
    from_ts: datetime = column("Start of the first hour that was touched.", unit="UTC")
    to_ts: datetime = column("End of the last hour that was touched.", unit="UTC")
    rows_touched: Count = column("Rows that are otherwise than they would be.", unit="rows")

    constraints: ClassVar[tuple[Constraint, ...]] = (descending("to_ts", "from_ts"),)
