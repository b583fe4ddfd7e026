"""The columns of delivery in the marts: what adds up, and the metrics that are made of it.

A count or a metric of the marts is defined here and nowhere else. `make sources` writes what dbt
needs from it: the SQL of the sums and formulas, the columns and contracts of the delivery marts,
the text of every metric and the semantic layer. The order here is the order of the columns.
A raw count has its description in `facts.py`; here is only its group.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from generator.schema.facts import PerformanceHourly
from generator.schema.table import Column

RATIO = "A ratio from 0 to 1."
MONEY = "Unit: units of `currency_code` per"
_RAW = {column.name: column for column in PerformanceHourly.columns()}


@dataclass(frozen=True)
class DeliveryFact:
    """A column of delivery that adds up over rows: a count, an amount of money or a time.

    `row_type` is its type in `fct_performance_hourly`, `sum_type` that of a sum, and `sum_macro`
    the macro that sums it. One without a description is a raw count.
    """

    name: str
    description: str = ""
    label: str = ""
    row_type: str = "integer"
    sum_type: str = "bigint"
    sum_macro: str = "total"

    @property
    def doc(self) -> str:
        """The name of its doc block."""
        return self.name if self.description else f"performance_hourly__{self.name}"


@dataclass(frozen=True)
class Metric:
    """A ratio of two sums, NULL where the denominator is 0.

    `numerator` and `denominator` are SQL over columns of the mart, and the numerator is multiplied
    by `factor`. The text of the metric says what it means, when it is NULL, its unit, who
    defines it so, and what it is not. It is never below 0, nor above `at_most`.
    """

    name: str
    numerator: str
    denominator: str
    meaning: str
    null: str
    defined_by: str = "this project"
    note: str = ""
    unit: str = RATIO
    at_most: float | None = 1
    factor: int = 1
    label: str = ""

    @property
    def scaled_numerator(self) -> str:
        """The numerator as SQL: exact, or a 64-bit float where it has a factor."""
        if self.factor == 1:
            return self.numerator
        return f"{self.factor} * cast({self.numerator} as double precision)"

    @property
    def formula(self) -> str:
        """The formula as people read it."""
        factor = "" if self.factor == 1 else f"{self.factor} · "
        below = f"({self.denominator})" if " " in self.denominator else self.denominator
        return f"{factor}{self.numerator} / {below}"

    @property
    def text(self) -> str:
        """What the metric means, for its doc block."""
        sentences = (
            f"{self.meaning[0].upper()}{self.meaning[1:]}: `{self.formula}`.",
            f"NULL {self.null}.",
            self.unit,
            f"The definition of {self.defined_by}.",
            self.note,
        )
        return " ".join(sentence for sentence in sentences if sentence)


@dataclass(frozen=True)
class Helper:
    """A measure that only the semantic layer has, where a metric divides more than a column."""

    name: str
    description: str


DELIVERY_FACTS: dict[str, tuple[DeliveryFact, ...]] = {
    "supply funnel": (
        DeliveryFact("requests"),
        DeliveryFact("responses"),
        DeliveryFact("eligible_impressions"),
        DeliveryFact("auctions_won"),
        DeliveryFact("impressions"),
        DeliveryFact("error_count"),
        DeliveryFact("timeout_count"),
    ),
    "quality": (
        DeliveryFact("measurable_impressions"),
        DeliveryFact("viewable_impressions"),
        DeliveryFact("audible_impressions"),
        DeliveryFact("invalid_impressions"),
    ),
    "video": (
        DeliveryFact(
            "video_impressions",
            "Impressions of video creatives: all but pause ads. The base of `video_start_rate` and "
            "`vcr_impressions`, because a still image can neither start nor complete. Unit: "
            "impressions.",
        ),
        DeliveryFact("video_starts"),
        DeliveryFact("video_q25"),
        DeliveryFact("video_q50"),
        DeliveryFact("video_q75"),
        DeliveryFact("video_q100", label="Video completes"),
        DeliveryFact(
            "skippable_video_starts",
            "Video starts of creatives that the viewer can skip. The base of `video_skip_rate`. "
            "Unit: events.",
        ),
        DeliveryFact("skips"),
        DeliveryFact(
            "watch_seconds",
            "Playing time watched, estimated from the VAST quartile events. A viewer who leaves "
            "between two quartiles counts up to the middle of them, one who completes counts the "
            "whole duration: duration · (0.125·(starts − q25) + 0.375·(q25 − q50) + "
            "0.625·(q50 − q75) + 0.875·(q75 − q100) + q100), with each creative's own duration, "
            "and 0 for pause ads. Exact decimal, so sums do not depend on their order. Not a "
            "measured time: the error of one view is at most an eighth of the duration. Unit: "
            "seconds.",
            row_type="decimal(18,3)",
            sum_type="decimal(18,3)",
            sum_macro="total_seconds",
        ),
    ),
    "interaction": (
        DeliveryFact("clicks"),
        DeliveryFact(
            "qr_impressions",
            "Impressions of creatives that show a QR code. The base of `qr_scan_rate`. Unit: "
            "impressions.",
            label="QR impressions",
        ),
        DeliveryFact("qr_scans", label="QR scans"),
        DeliveryFact(
            "interactive_impressions",
            "Impressions of creatives that carry an interactive overlay. The base of "
            "`interactive_rate`. Unit: impressions.",
        ),
        DeliveryFact("interactive_engagements"),
    ),
    "cost": (
        DeliveryFact(
            "spend",
            "Cost of the impressions: `spend_micros` / 1,000,000, exact to the micro. Unit: units "
            "of `currency_code`; amounts of different currencies do not add up.",
            row_type="decimal(18,6)",
            sum_type="decimal(18,6)",
            sum_macro="total_spend",
        ),
    ),
}

DELIVERY_METRICS: dict[str, tuple[Metric, ...]] = {
    "supply funnel": (
        Metric(
            "response_rate",
            "responses",
            "requests",
            meaning="the part of the ad requests that was answered with an ad in time",
            null="without requests",
            defined_by="OpenRTB",
            note="It does not say whether the ad was then shown.",
        ),
        Metric(
            "eligibility_rate",
            "eligible_impressions",
            "responses",
            meaning="the part of the responses left after frequency capping, brand safety and "
            "competitive separation",
            null="without responses",
        ),
        Metric(
            "auction_win_rate",
            "auctions_won",
            "eligible_impressions",
            meaning="the part of the eligible responses that won the slot",
            null="where nothing was eligible",
            note="Buying platforms divide wins by bids; here every eligible response is a bid. "
            "Guaranteed buys have a rate, too: they lose slots to other guarantees.",
        ),
        Metric(
            "render_rate",
            "impressions",
            "auctions_won",
            meaning="the part of the won slots in which the ad began to render",
            null="where nothing was won",
            defined_by="the IAB",
            note="Rendered of served. It is not viewability: see `viewability_rate`.",
        ),
        Metric(
            "fill_rate",
            "impressions",
            "requests",
            meaning="the part of the candidate ad requests that ended in an impression",
            null="without requests",
            defined_by="the IAB",
            note="Taken of one campaign's requests. It is not the fill of the platform: its "
            "opportunities are in `inventory_hourly`.",
        ),
        Metric(
            "supply_funnel_efficiency",
            "eligible_impressions",
            "requests",
            meaning="the part of the requests that reached the auction",
            null="without requests",
            note="Equal to `response_rate` · `eligibility_rate`.",
        ),
        Metric(
            "error_rate",
            "error_count",
            "requests",
            meaning="won slots that ended in a VAST error, of the ad requests",
            null="without requests",
            note="Time-outs before an answer are in `timeout_rate`, not here.",
        ),
        Metric(
            "timeout_rate",
            "timeout_count",
            "requests",
            meaning="the part of the ad requests that no answer reached in time",
            null="without requests",
            note="Requests answered with no ad are neither responses nor time-outs.",
        ),
    ),
    "quality": (
        Metric(
            "measurable_rate",
            "measurable_impressions",
            "impressions",
            meaning="the part of the impressions of which viewability could be measured",
            null="without impressions",
            defined_by="the MRC",
            note="Unmeasured is not the same as unseen.",
        ),
        Metric(
            "viewability_rate",
            "viewable_impressions",
            "measurable_impressions",
            meaning="the part of the measurable impressions that were viewable",
            null="where nothing was measurable",
            defined_by="the MRC",
            note="For video: at least half of the pixels in view for two continuous seconds. The "
            "denominator is measurable impressions, not all impressions.",
        ),
        Metric(
            "audibility_rate",
            "audible_impressions",
            "measurable_impressions",
            meaning="the part of the measurable impressions that played with sound",
            null="where nothing was measurable",
            defined_by="Open Measurement",
            note="Audible does not imply viewable.",
        ),
        Metric(
            "invalid_traffic_rate",
            "invalid_impressions",
            "impressions + invalid_impressions",
            meaning="the part of all rendered ads that was filtered as invalid",
            null="where nothing rendered",
            defined_by="the MRC",
            note="General and sophisticated invalid traffic (GIVT and SIVT). The denominator is a "
            "sum because impressions are net of invalid traffic.",
        ),
    ),
    "video": (
        Metric(
            "video_start_rate",
            "video_starts",
            "video_impressions",
            meaning="the part of the impressions of video creatives that started to play",
            null="where no video was shown",
            defined_by="VAST",
            note="Pause ads are not in the denominator.",
        ),
        Metric(
            "q25_rate",
            "video_q25",
            "video_starts",
            meaning="the part of the starts that played through the first quartile",
            null="without starts",
            defined_by="VAST",
            note="The event firstQuartile, at normal speed.",
        ),
        Metric(
            "q50_rate",
            "video_q50",
            "video_starts",
            meaning="the part of the starts that played through the midpoint",
            null="without starts",
            defined_by="VAST",
            note="The event midpoint, at normal speed.",
        ),
        Metric(
            "q75_rate",
            "video_q75",
            "video_starts",
            meaning="the part of the starts that played through the third quartile",
            null="without starts",
            defined_by="VAST",
            note="The event thirdQuartile, at normal speed.",
        ),
        Metric(
            "video_completion_rate",
            "video_q100",
            "video_starts",
            meaning="the part of the starts that played to the end (VCR)",
            null="without starts",
            defined_by="DV360 and The Trade Desk",
            note="Not to be compared with rates per impression: those are `vcr_impressions`.",
            label="VCR",
        ),
        Metric(
            "vcr_impressions",
            "video_q100",
            "video_impressions",
            meaning="completed views of the impressions of video creatives",
            null="where no video was shown",
            defined_by="Xandr and Conviva",
            note="Never above `video_completion_rate`. Published beside it because reports call "
            'both "completion rate".',
            label="VCR per impression",
        ),
        Metric(
            "video_skip_rate",
            "skips",
            "skippable_video_starts",
            meaning="the part of the skippable starts that the viewer skipped",
            null="where nothing was skippable, which is not the same as 0",
            defined_by="VAST",
            note="Viewers who leave the programme have not skipped.",
        ),
        Metric(
            "avg_watch_time_seconds",
            "watch_seconds",
            "video_starts",
            meaning="mean playing time of a started video",
            null="without starts",
            unit="Unit: seconds, at most the duration of the longest creative.",
            at_most=75,
            note="Estimated from quartiles with each creative's own duration; see `watch_seconds`. "
            "Longer creatives watch longer and complete less.",
        ),
    ),
    "interaction": (
        Metric(
            "ctr",
            "clicks",
            "impressions",
            meaning="click-through rate",
            null="without impressions",
            defined_by="the IAB",
            note="Impressions are net of invalid traffic. QR scans and overlay engagements are not "
            "clicks.",
            label="CTR",
        ),
        Metric(
            "qr_scan_rate",
            "qr_scans",
            "qr_impressions",
            meaning="scans of the impressions that showed a QR code",
            null="where no code was shown",
            note="A scan is an act on a second device, not a click.",
            label="QR scan rate",
        ),
        Metric(
            "interactive_rate",
            "interactive_engagements",
            "interactive_impressions",
            meaning="engagements of the impressions that carried an overlay",
            null="where there was none",
            note="Clicks through to the advertiser are not engagements.",
        ),
    ),
    "cost": (
        Metric(
            "effective_cpm",
            "spend",
            "impressions",
            factor=1000,
            meaning="cost per thousand impressions (eCPM)",
            null="without impressions",
            defined_by="the IAB",
            unit=f"{MONEY} thousand impressions.",
            at_most=None,
            note="What was paid, not what was bid or booked.",
            label="eCPM",
        ),
        Metric(
            "vcpm",
            "spend",
            "viewable_impressions",
            factor=1000,
            meaning="cost per thousand viewable impressions",
            null="where nothing was viewable",
            defined_by="the MRC",
            unit=f"{MONEY} thousand viewable impressions.",
            at_most=None,
            note="Only measured impressions can be viewable, so a low measurable rate raises it.",
            label="vCPM",
        ),
        Metric(
            "cpc",
            "spend",
            "clicks",
            meaning="cost per click",
            null="without clicks",
            defined_by="the IAB",
            unit=f"{MONEY} click.",
            at_most=None,
            note="The effective cost, since the ads are bought by the thousand.",
            label="CPC",
        ),
        Metric(
            "cpcv",
            "spend",
            "video_q100",
            meaning="cost per completed view",
            null="where nothing was completed",
            defined_by="the IAB",
            unit=f"{MONEY} completed view.",
            at_most=None,
            note="Where a campaign mixes videos and pause ads, the numerator has the spend of "
            "both.",
            label="CPCV",
        ),
    ),
}

# Metrics of other marts than those of delivery: pacing, reach and audience.
OTHER_METRICS: tuple[Metric, ...] = (
    Metric(
        "pacing_index",
        "spend_to_date",
        "expected_spend_to_date",
        factor=100,
        meaning="what was spent, in percent of what the plan has spent by then",
        null="where nothing was planned by then",
        unit="Unit: percent; 100 is on plan.",
        at_most=None,
        note="The expected value is the pacing curve, not the elapsed part of the flight; DV360 "
        "and Google Ad Manager call the same thing pacing. Not a measure of a day: that is "
        "`daily_pacing_index`.",
    ),
    Metric(
        "daily_pacing_index",
        "spend",
        "expected_spend",
        factor=100,
        meaning="what was spent on the day alone, in percent of the plan",
        null="where nothing was planned for the day",
        unit="Unit: percent; 100 is on plan.",
        at_most=None,
        note="A day after an under-delivered one may lie above 100, because delivery catches up.",
    ),
    Metric(
        "budget_spent_pct",
        "spend_to_date",
        "budget_total",
        factor=100,
        meaning="the part of the budget that is spent",
        null="without a budget",
        unit="Unit: percent, at most 100.",
        at_most=100,
    ),
    Metric(
        "goal_delivered_pct",
        "impressions_to_date",
        "goal_impressions",
        factor=100,
        meaning="the part of the impressions that the budget buys which is delivered",
        null="where the price is found in an auction, or without a budget",
        unit="Unit: percent.",
        at_most=None,
        note="Above 100 where an ad server aimed past a guarantee. What is beyond it is not "
        "billed: `budget_spent_pct` is at most 100.",
    ),
    Metric(
        "frequency",
        "impressions",
        "reach",
        meaning="mean impressions per reached household in the window",
        null="where no household was reached",
        defined_by="the MRC",
        unit="Unit: impressions per household, at least 1.",
        at_most=None,
        note="Frequencies never add up and have no mean over windows or campaigns. Per household, "
        "not per person.",
    ),
    Metric(
        "impression_share",
        "impressions",
        "day_impressions",
        meaning="the segment's share of the campaign's day",
        null="on a day without impressions",
        note="Not the share of voice, which compares with other advertisers.",
    ),
    Metric(
        "audience_index",
        "impression_share",
        "population_share",
        factor=100,
        meaning="how concentrated a segment is, compared with the platform's population",
        null="without impressions on the day, or where the population of the segment is not known",
        unit="Unit: percent; 100 is as the population, 200 twice as concentrated.",
        at_most=None,
        note="The usual affinity index of audience planning. For a longer period sum impressions "
        "and day_impressions and divide again; a targeted segment is high because it was bought, "
        "not because it was interested.",
    ),
    Metric(
        "segment_ctr",
        "clicks",
        "impressions",
        meaning="click-through rate of the segment",
        null="without impressions",
        defined_by="the IAB",
        note="`ctr` for one part of the audience.",
    ),
)

# What `fct_conversions_daily` has in addition: conversions are counted by day and not by hour.
CONVERSION_FACTS: tuple[DeliveryFact, ...] = (
    DeliveryFact(
        "conversions",
        "Conversions that the platform counts for the campaign: by its last click or else its last "
        "impression, within the windows of the campaign. Dated by the conversion, so some are "
        "after the flight. Not the conversions that ads caused: most would have happened anyway. "
        "Unit: conversions.",
    ),
    DeliveryFact(
        "post_click_conversions",
        "Conversions counted for a click. With `post_view_conversions` they are all "
        "`conversions`. Unit: conversions.",
    ),
    DeliveryFact(
        "post_view_conversions",
        "Conversions counted for an impression, where no click lies within the window. Unit: "
        "conversions.",
    ),
    DeliveryFact(
        "conversions_value",
        "What the counted conversions are worth to the advertiser: orders, or the value that it "
        "gives a lead; 0 for visits. Unit: units of `currency_code`; amounts of different "
        "currencies do not add up.",
        row_type="decimal(18,6)",
        sum_type="decimal(18,6)",
        sum_macro="total_spend",
    ),
)

CONVERSION_METRICS: tuple[Metric, ...] = (
    Metric(
        "cpa",
        "spend",
        "conversions",
        meaning="cost per acquisition: spend per counted conversion",
        null="without conversions",
        unit=f"{MONEY} conversion.",
        at_most=None,
        note="Conversions come later than the spend, so the CPA of a short period misleads. Not "
        "the cost of a conversion that ads caused.",
        label="CPA",
    ),
    Metric(
        "roas",
        "conversions_value",
        "spend",
        meaning="return on ad spend: the value of counted conversions per unit of spend",
        null="without spend",
        unit="Unit: a ratio; 1 is as much value as spend.",
        at_most=None,
        note="The platform's own claim. The incremental return is a small part of it: see "
        "`lift` in the platform file.",
        label="ROAS",
    ),
    Metric(
        "conversion_rate",
        "conversions",
        "impressions",
        meaning="counted conversions per impression",
        null="without impressions",
        unit="Unit: conversions per impression.",
        at_most=None,
        note="On the last days of a flight conversions of earlier impressions can outnumber "
        "impressions.",
    ),
    Metric(
        "click_conversion_rate",
        "post_click_conversions",
        "clicks",
        meaning="counted conversions per click",
        null="without clicks",
        unit="Unit: conversions per click.",
        at_most=None,
        note="Of whole campaigns it is what web analytics call conversion rate; a day has "
        "conversions of earlier clicks.",
    ),
    Metric(
        "post_click_share",
        "post_click_conversions",
        "conversions",
        meaning="the part of the conversions that is counted for a click",
        null="without conversions",
    ),
    Metric(
        "post_view_share",
        "post_view_conversions",
        "conversions",
        meaning="the part of the conversions that is counted for an impression",
        null="without conversions",
        note="Nearly 1 on television, where clicks are rare.",
    ),
)

# The semantic layer divides measures, and a measure has a name.
HELPERS: dict[str, Helper] = {
    "1000 * cast(spend as double precision)": Helper(
        "spend_per_mille", "Spend times 1000. Only the numerator of costs per thousand."
    ),
    "impressions + invalid_impressions": Helper(
        "rendered_ads",
        "Impressions and invalid impressions. Only the denominator of invalid_traffic_rate.",
    ),
}


def raw_counts() -> list[Column]:
    """Return the columns of raw performance that add up, in their order there."""
    return [column for column in _RAW.values() if column.minimum == 0]


def delivery_facts() -> list[DeliveryFact]:
    """Return the columns of a delivery mart that add up, in their order."""
    return list(chain.from_iterable(DELIVERY_FACTS.values()))


def delivery_metrics() -> list[Metric]:
    """Return the metrics of a delivery mart, in their order."""
    return list(chain.from_iterable(DELIVERY_METRICS.values()))
