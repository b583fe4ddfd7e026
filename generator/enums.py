"""The closed vocabularies of the data: what a status, a device or a buying type can be called.

Every other module takes its words from here; the DDL checks, the tests of the raw tables in dbt and
the validation of scenarios are derived from these classes. Names follow OpenRTB, VAST and the
delivery platforms (DV360, Google Ad Manager, The Trade Desk). Nothing here knows a table.
"""

from enum import StrEnum


class Objective(StrEnum):
    """What the advertiser wants from the campaign."""

    AWARENESS = "AWARENESS"
    CONSIDERATION = "CONSIDERATION"
    CONVERSION = "CONVERSION"


class Status(StrEnum):
    """The state of a campaign, line item or advertiser on the as-of day."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"


class ChangedEntity(StrEnum):
    """What a logged change is about."""

    CAMPAIGN = "CAMPAIGN"
    FLIGHT = "FLIGHT"
    BUDGET = "BUDGET"
    LINE_ITEM = "LINE_ITEM"
    CREATIVE = "CREATIVE"


class ChangeReason(StrEnum):
    """Why something was changed."""

    CLIENT = "CLIENT"
    BUDGET = "BUDGET"
    CREATIVE = "CREATIVE"
    BRAND_SAFETY = "BRAND_SAFETY"
    PERFORMANCE = "PERFORMANCE"


class BuyType(StrEnum):
    """How the inventory was bought; only `PRIVATE_AUCTION` pays a clearing price."""

    DIRECT_IO = "DIRECT_IO"
    PROGRAMMATIC_GUARANTEED = "PROGRAMMATIC_GUARANTEED"
    PREFERRED_DEAL = "PREFERRED_DEAL"
    PRIVATE_AUCTION = "PRIVATE_AUCTION"


class DspPartner(StrEnum):
    """The demand-side platform that a programmatic campaign is bought through."""

    AMAZON = "AMAZON"
    AJA = "AJA"
    DV360 = "DV360"
    THE_TRADE_DESK = "THE_TRADE_DESK"
    YAHOO = "YAHOO"


class BudgetType(StrEnum):
    """Whether the amount is for the whole campaign or for each UTC day."""

    LIFETIME = "LIFETIME"
    DAILY = "DAILY"


class Pacing(StrEnum):
    """How a line item wants to spend its budget over a flight."""

    EVEN = "EVEN"
    FRONTLOADED = "FRONTLOADED"
    ASAP = "ASAP"


class TimeUnit(StrEnum):
    """The window in which a frequency cap counts."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    LIFETIME = "LIFETIME"

    @property
    def hours(self) -> int | None:
        """Hours in the unit, a month being 30 days; None for LIFETIME, which lasts as long as its
        campaign."""
        return {"HOUR": 1, "DAY": 24, "WEEK": 168, "MONTH": 720}.get(self)


class CapScope(StrEnum):
    """The unit of audience that a frequency cap counts exposures of."""

    HOUSEHOLD = "HOUSEHOLD"
    PROFILE = "PROFILE"
    DEVICE = "DEVICE"


class AdFormat(StrEnum):
    """The format a line item books."""

    STANDARD_VIDEO = "STANDARD_VIDEO"
    INTERACTIVE_OVERLAY = "INTERACTIVE_OVERLAY"
    PAUSE_AD = "PAUSE_AD"
    SPONSORSHIP = "SPONSORSHIP"


class Placement(StrEnum):
    """Where in the programme the creative runs."""

    PRE_ROLL = "PRE_ROLL"
    MID_ROLL = "MID_ROLL"
    LIVE = "LIVE"
    PAUSE = "PAUSE"


class QaStatus(StrEnum):
    """Outcome of the platform's creative review."""

    APPROVED = "APPROVED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"


class Device(StrEnum):
    """The four device groups of the reports (OpenRTB device types 3 and 7, 4, 5, 2)."""

    CTV = "CTV"
    MOBILE = "MOBILE"
    TABLET = "TABLET"
    DESKTOP = "DESKTOP"


class FurthestEvent(StrEnum):
    """How far the video of an impression played: the last of the VAST events that it had."""

    NOT_STARTED = "NOT_STARTED"
    START = "START"
    FIRST_QUARTILE = "FIRST_QUARTILE"
    MIDPOINT = "MIDPOINT"
    THIRD_QUARTILE = "THIRD_QUARTILE"
    COMPLETE = "COMPLETE"


class VastEvent(StrEnum):
    """An event of an ad as VAST 4 calls it. VAST has no word for a scanned QR code: scan."""

    IMPRESSION = "impression"
    START = "start"
    FIRST_QUARTILE = "firstQuartile"
    MIDPOINT = "midpoint"
    THIRD_QUARTILE = "thirdQuartile"
    COMPLETE = "complete"
    SKIP = "skip"
    CLICK_THROUGH = "clickThrough"
    SCAN = "scan"
    ACCEPT_INVITATION = "acceptInvitation"
    VIEWABLE = "viewable"
    NOT_VIEWABLE = "notViewable"
    VIEW_UNDETERMINED = "viewUndetermined"
    ERROR = "error"


class IfaType(StrEnum):
    """The kind of a device's identifier for advertising (IAB Tech Lab, IFA on OTT)."""

    RIDA = "RIDA"
    AFAI = "AFAI"
    TIFA = "TIFA"
    VIDA = "VIDA"
    LGUDID = "LGUDID"
    IDFA = "IDFA"
    AAID = "AAID"


class DeviceFamily(StrEnum):
    """What a device is."""

    SMART_TV = "SMART_TV"
    STREAMING_PLAYER = "STREAMING_PLAYER"
    PHONE = "PHONE"
    TABLET = "TABLET"
    COMPUTER = "COMPUTER"


class ViewingBand(StrEnum):
    """The third of households that one belongs to by how much it watches."""

    LIGHT = "LIGHT"
    MEDIUM = "MEDIUM"
    HEAVY = "HEAVY"


class TargetingKey(StrEnum):
    """What a line item can be targeted on."""

    DEVICE = "DEVICE"
    GEO_COUNTRY = "GEO_COUNTRY"
    GEO_DMA = "GEO_DMA"
    CONTENT_GENRE = "CONTENT_GENRE"
    AGE_RANGE = "AGE_RANGE"
    GENDER = "GENDER"
    HOUSEHOLD_INCOME = "HOUSEHOLD_INCOME"
    LIFE_STAGE = "LIFE_STAGE"
    INTEREST_CATEGORY = "INTEREST_CATEGORY"


class GeoTier(StrEnum):
    """The finest geography that a line item is sold on."""

    COUNTRY = "COUNTRY"
    REGION = "REGION"
    DMA = "DMA"
    CITY = "CITY"


class AdServerType(StrEnum):
    """How the creative is served: by the platform itself or through the buyer's VAST tag."""

    PLATFORM_HOSTED = "PLATFORM_HOSTED"
    VAST_TAG = "VAST_TAG"


class VerificationVendor(StrEnum):
    """Who measures viewability and invalid traffic."""

    IAS = "IAS"
    DOUBLEVERIFY = "DOUBLEVERIFY"
    NONE = "NONE"


class MeasurementPartner(StrEnum):
    """Who measures the campaign's outcome."""

    NIELSEN = "NIELSEN"
    KANTAR = "KANTAR"
    CINT = "CINT"
    EDO = "EDO"
    ISPOT = "ISPOT"
    NCSOLUTIONS = "NCSOLUTIONS"
    AFFINITY = "AFFINITY"


class CleanRoom(StrEnum):
    """Where advertiser and platform match their data."""

    SNOWFLAKE = "SNOWFLAKE"
    INFOSUM = "INFOSUM"
    AWS = "AWS"
    LIVERAMP = "LIVERAMP"


class Industry(StrEnum):
    """What the advertiser sells."""

    AUTOMOTIVE = "AUTOMOTIVE"
    CONSUMER_GOODS = "CONSUMER_GOODS"
    ENTERTAINMENT = "ENTERTAINMENT"
    FASHION = "FASHION"
    FINANCE = "FINANCE"
    FOOD_BEVERAGE = "FOOD_BEVERAGE"
    HEALTH = "HEALTH"
    HOME = "HOME"
    RETAIL = "RETAIL"
    TECHNOLOGY = "TECHNOLOGY"
    TELECOM = "TELECOM"
    TRAVEL = "TRAVEL"


class ContentTier(StrEnum):
    """The slice of the catalogue a campaign runs beside."""

    PREMIUM = "PREMIUM"
    STANDARD = "STANDARD"


class Currency(StrEnum):
    """ISO 4217 codes of the markets that the platforms sell in."""

    USD = "USD"
    GBP = "GBP"
    EUR = "EUR"
    AUD = "AUD"
    BRL = "BRL"
    MXN = "MXN"
    JPY = "JPY"
    CAD = "CAD"
    KRW = "KRW"

    @property
    def smallest_unit(self) -> float:
        """The smallest amount that can be paid, in units of the currency (ISO 4217: the yen and the
        won have no minor unit, the others have two digits)."""
        return 1.0 if self in (Currency.JPY, Currency.KRW) else 0.01


class ReachWindow(StrEnum):
    """The span over which households are counted once."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    FLIGHT_TO_DATE = "FLIGHT_TO_DATE"


class AudienceDimension(StrEnum):
    """By what a campaign's day is split in `audience_daily`."""

    AGE_RANGE = "AGE_RANGE"
    GENDER = "GENDER"
    LIFE_STAGE = "LIFE_STAGE"
    INTEREST_CATEGORY = "INTEREST_CATEGORY"
    CONTENT_GENRE = "CONTENT_GENRE"
    COUNTRY = "COUNTRY"
    REGION = "REGION"
    LOCAL_HOUR = "LOCAL_HOUR"


class ConversionType(StrEnum):
    """What a household does that an advertiser counts as a conversion."""

    VISIT = "VISIT"
    LEAD = "LEAD"
    PURCHASE = "PURCHASE"


class TouchType(StrEnum):
    """What a conversion is counted for: a click, or an impression that was not clicked."""

    POST_CLICK = "POST_CLICK"
    POST_VIEW = "POST_VIEW"


class ConversionSource(StrEnum):
    """Where a household converted, in the words of the IAB's ECAPI."""

    WEBSITE = "WEBSITE"
    APP = "APP"
    PHYSICAL_STORE = "PHYSICAL_STORE"
    PHONE_CALL = "PHONE_CALL"


class ConversionCause(StrEnum):
    """What brought a conversion about: nothing of the campaign, an ad, or an ad that only brought
    it forward."""

    BASELINE = "BASELINE"
    CAUSED = "CAUSED"
    DISPLACED = "DISPLACED"


class ExperimentUnit(StrEnum):
    """What an experiment assigns to its arms."""

    HOUSEHOLD = "HOUSEHOLD"


class ExperimentArm(StrEnum):
    """The households that a campaign may reach, and those that it holds out."""

    TEST = "TEST"
    CONTROL = "CONTROL"


class ExperimentDesign(StrEnum):
    """What is known of the control arm: the ads that it would have seen (ghost ads), the public
    service ads that it sees in their place (PSA), or nothing."""

    GHOST_ADS = "GHOST_ADS"
    PSA = "PSA"
    INTENT_TO_TREAT = "INTENT_TO_TREAT"


class FaultType(StrEnum):
    """What can be wrong with delivery data: faults that are put in on purpose, and the incidents of
    a market."""

    LATE_ROWS = "LATE_ROWS"
    DUPLICATES = "DUPLICATES"
    RESTATED_DAYS = "RESTATED_DAYS"
    MISSING_HOURS = "MISSING_HOURS"
    NULL_IDS = "NULL_IDS"
    TIME_ZONE_SHIFT = "TIME_ZONE_SHIFT"
    OUTAGE = "OUTAGE"
    TRACKING_LOSS = "TRACKING_LOSS"
    BOT_SPIKE = "BOT_SPIKE"
    RUNAWAY_SPEND = "RUNAWAY_SPEND"
    VAST_401 = "VAST_401"
    SCHEMA_DRIFT = "SCHEMA_DRIFT"

    AD_SERVER_OUTAGE = "AD_SERVER_OUTAGE"
    TRACKING_GAP = "TRACKING_GAP"
    VENDOR_GAP = "VENDOR_GAP"
    APP_RELEASE = "APP_RELEASE"
    BAD_CREATIVE = "BAD_CREATIVE"
    BOT_BURST = "BOT_BURST"
    LATE_LOAD = "LATE_LOAD"
