"""Every invariant is broken once, and the dbt test that watches over it has to notice.

The compiled tests of a build run against a copy of its database. A fault is a change to that copy
inside a transaction: the SQL of the tests that should catch it runs as dbt would run it, and the
change is rolled back. The constraints of the raw tables are dropped first, or they would let in
only a few faults. At the end no data test may be left that has never been seen to fail.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.project import dbt

FINEST = "fct_performance_hourly"
REACH = ("reach", "reach_2plus", "reach_3plus", "reach_5plus", "reach_10plus")
ROLLUPS = (
    "fct_campaign_performance_hourly",
    "fct_campaign_performance_daily",
    "fct_campaign_performance_daily_local",
    "fct_campaign_performance_weekly",
    "fct_campaign_performance_monthly",
    "fct_creative_performance_daily",
    "fct_device_performance_daily",
    "fct_advertiser_performance_daily",
)
FLOORS = (
    ("responses", "requests", "min_response_ratio"),
    ("eligible_impressions", "responses", "min_eligible_ratio"),
    ("auctions_won", "eligible_impressions", "min_win_ratio"),
    ("impressions", "auctions_won", "min_render_ratio"),
)


@dataclass(frozen=True)
class Fault:
    """What is broken, the statements that break it, and patterns of the tests that have to fail."""

    name: str
    sql: tuple[str, ...]
    caught_by: tuple[str, ...]


def in_one_row(table: str, change: str, where: str = "true") -> str:
    """An UPDATE of one row of `table`, the first that satisfies `where`."""
    row = f"SELECT min(rowid) FROM {table} WHERE {where}"
    return f"UPDATE {table} SET {change} WHERE rowid = ({row})"


def fault(name: str, table: str, change: str, where: str, *caught_by: str) -> Fault:
    """A fault that is one changed value in one row."""
    return Fault(name, (in_one_row(table, change, where),), caught_by)


def performance(name: str, change: str, where: str, *caught_by: str) -> Fault:
    """A fault in one row of `raw.performance_hourly` that delivered something."""
    where = f"impressions > 0 AND {where}" if where else "impressions > 0"
    return fault(name, "raw.performance_hourly", change, where, *caught_by)


def creatives(condition: str) -> str:
    """The condition that a row of performance belongs to a creative of some kind."""
    return f"creative_id IN (SELECT creative_id FROM raw.creatives WHERE {condition})"


def raw_funnel_faults() -> Iterator[Fault]:
    """One broken order, one broken floor and one broken zero rule per step of a delivery row."""
    of_rows = "rules_raw_performance_hourly: "
    supply = ("requests", "responses", "eligible_impressions", "auctions_won", "impressions")
    for larger, smaller in pairwise(supply):
        change = f"{larger} = {smaller} - 1"
        yield performance(
            f"fewer {larger} than {smaller}", change, "", f"{of_rows}{larger} < {smaller}"
        )

    video = ("impressions", "video_starts", "video_q25", "video_q50", "video_q75", "video_q100")
    for larger, smaller in pairwise(video):
        change = f"{smaller} = {larger} + 1"
        yield performance(f"{smaller} above {larger}", change, "", f"{of_rows}{larger} < {smaller}")

    for column, bound, bounded in (
        ("timeout_count", "requests - responses", "timeout_count"),
        ("error_count", "auctions_won - impressions", "error_count + invalid_impressions"),
        ("invalid_impressions", "auctions_won - impressions", "error_count + invalid_impressions"),
        ("measurable_impressions", "impressions", "measurable_impressions"),
        ("viewable_impressions", "measurable_impressions", "viewable_impressions"),
        ("audible_impressions", "measurable_impressions", "audible_impressions"),
        ("clicks", "impressions", "clicks"),
        ("qr_scans", "impressions", "qr_scans"),
        ("interactive_engagements", "impressions", "interactive_engagements"),
        ("skips", "video_starts - video_q100", "skips"),
    ):
        yield performance(
            f"{column} above its bound",
            f"{column} = {bound} + 1",
            "",
            f"{of_rows}{bound} < {bounded}",
        )

    for numerator, denominator, floor in FLOORS:
        yield performance(
            f"{numerator} below the platform's floor by one {denominator}",
            f"{denominator} = {most_allowed(numerator, floor)} + 1",
            "",
            f"min_ratio_stg_ads__performance_hourly_*{denominator}*{floor}*",
        )

    for column, without in (
        ("skips", "NOT is_skippable"),
        ("qr_scans", "qr_code_url IS NULL"),
        ("interactive_engagements", "NOT is_interactive"),
    ):
        yield performance(
            f"{column} where there is nothing to do it with",
            f"{column} = 1",
            creatives(without),
            f"zero_unless_stg_ads__performance_hourly_{column}__*",
        )
    yield Fault(
        "a video event of a pause ad",
        (f"UPDATE raw.creatives SET placement = 'PAUSE' WHERE {first_creative_with_starts()}",),
        ("zero_unless_stg_ads__performance_hourly_video_starts__*",),
    )
    yield fault(
        "spend without impressions",
        "raw.performance_hourly",
        "spend_micros = 1",
        "impressions = 0",
        "zero_unless_stg_ads__performance_hourly_spend_micros__*",
    )


def most_allowed(numerator: str, floor: str) -> str:
    """The largest denominator that the floor of the row's platform allows."""
    return f"""(
        SELECT floor({numerator} / {floor}) FROM raw.platforms JOIN raw.campaigns USING (platform)
        WHERE campaigns.campaign_id = performance_hourly.campaign_id
    )"""


def first_creative_with_starts() -> str:
    """The condition of one creative that started as a video."""
    starts = "SELECT min(creative_id) FROM raw.performance_hourly WHERE video_starts > 0"
    return f"creative_id = ({starts})"


SPENT = {
    "LIFETIME": "sum(spend_micros)",
    "DAILY": "max(spend_micros)",
}


def budget_of_first_campaign(budget_type: str, amount: str) -> str:
    """Gives the first campaign a budget computed from what it spent by day."""
    return f"""
        UPDATE raw.budgets SET budget_type = '{budget_type}', amount_micros = (
            SELECT {amount} FROM (
                SELECT sum(spend_micros) AS spend_micros FROM raw.performance_hourly
                WHERE campaign_id = budgets.campaign_id GROUP BY CAST(hour_ts AS DATE)
            )
        ) WHERE campaign_id = (SELECT min(campaign_id) FROM raw.performance_hourly)"""


def raw_cross_table_faults() -> Iterator[Fault]:
    """What one raw table says of another: money, hours, belonging, inventory, reach, audience."""
    yield performance(
        "a micro more than the bid",
        "spend_micros = impressions * (SELECT max(bid_cpm_micros) FROM raw.line_items) / 1000 + 1",
        "",
        "no_impression_costs_more_than_the_bid",
    )
    for budget_type, spent in SPENT.items():
        yield Fault(
            f"a micro more than the {budget_type} budget",
            (budget_of_first_campaign(budget_type, f"{spent} - 1"),),
            ("within_budget_*",),
        )
    complete = "complete_hours_stg_ads__performance_hourly_*"
    yield Fault(
        "an hour dropped",
        (
            """DELETE FROM raw.performance_hourly
               WHERE rowid = (SELECT min(rowid) FROM raw.performance_hourly)""",
        ),
        (complete,),
    )
    yield Fault(
        "a whole creative dropped",
        (
            """DELETE FROM raw.performance_hourly
               WHERE creative_id = (SELECT min(creative_id) FROM raw.performance_hourly)""",
        ),
        (complete,),
    )
    yield performance(
        "an hour after the flight", "hour_ts = hour_ts + INTERVAL 9000 DAY", "", complete
    )
    yield performance("an hour off the hour", "hour_ts = hour_ts + INTERVAL 1 MINUTE", "", complete)
    yield Fault(
        "an hour on the as-of date",
        (
            """UPDATE raw.runs SET as_of_date = (
                   SELECT CAST(max(hour_ts) AS DATE) FROM raw.performance_hourly
               )""",
        ),
        (complete, "complete_hours_fct_performance_hourly_*"),
    )
    yield Fault(
        "hours of a creative out of rotation",
        ("UPDATE raw.creatives SET rotation_start_date = DATE '2999-01-01'",),
        (complete, "complete_hours_fct_performance_hourly_*"),
    )
    yield Fault(
        "a device that is targeted but has no rows",
        ('UPDATE raw.line_items SET targeting = \'{"DEVICE": ["TABLET"]}\'',),
        (complete, "complete_hours_fct_performance_hourly_*"),
    )
    yield performance(
        "delivery for another campaign",
        "campaign_id = (SELECT max(campaign_id) + 1 FROM raw.campaigns)",
        "",
        "agrees_with_stg_ads__performance_hourly_campaign_id__*",
    )
    yield performance(
        "a creative of another line item",
        "line_item_id = (SELECT max(line_item_id) + 1 FROM raw.line_items)",
        "",
        "agrees_with_stg_ads__performance_hourly_line_item_id__*",
    )
    yield fault(
        "a budget in another currency",  # XXX: without a currency, in ISO 4217
        "raw.budgets",
        "currency_code = 'XXX'",
        "true",
        "agrees_with_stg_ads__budgets_currency_code__*",
    )
    yield fault(
        "shares of a budget that are not the whole",
        "raw.line_items",
        "budget_share = budget_share + 0.001",
        "true",
        "adds_up_to_stg_ads__line_items_*",
    )
    yield Fault(
        "two flights that overlap by a day",
        (
            """INSERT INTO raw.flights
               SELECT flight_id + 1000000, campaign_id, end_date, end_date FROM raw.flights
               LIMIT 1""",
        ),
        ("flights_do_not_overlap",),
    )
    inventory = ("within_inventory_stg_ads__performance_hourly_", "within_inventory_fct_*")
    yield Fault(
        "less inventory than impressions",
        ("UPDATE raw.inventory_hourly SET ad_opportunities = 0",),
        inventory,
    )
    yield Fault("no inventory", ("DELETE FROM raw.inventory_hourly",), inventory)
    yield from reach_faults()
    for column in ("impressions", "video_q100", "clicks"):
        yield fault(
            f"a segment with one more of {column}",
            "raw.audience_daily",
            f"{column} = {column} + 1",
            "true",
            "segments_add_up_stg_ads__audience_daily_*",
        )
    yield Fault(
        "a day that one dimension does not split",
        (
            """DELETE FROM raw.audience_daily WHERE dimension = 'AGE_RANGE' AND activity_date = (
                   SELECT min(activity_date) FROM raw.audience_daily WHERE impressions > 0
               )""",
        ),
        ("segments_add_up_stg_ads__audience_daily_*",),
    )


def reach_faults() -> Iterator[Fault]:
    """Reach that is not the delivery's, or outside a larger window, or above its parts' sum."""
    counts, nests = "reach_counts_delivery_stg_*", "reach_nests_stg_ads__campaign_reach_"
    bound = "reach_sums_bound_stg_ads__campaign_reach_"
    for window in ("HOUR", "DAY", "WEEK", "FLIGHT_TO_DATE"):
        window_rows = f"reach_window = '{window}' AND impressions > 0"
        yield fault(
            f"a {window} with one impression more than delivered",
            "raw.campaign_reach",
            "impressions = impressions + 1",
            window_rows,
            counts,
        )
        yield Fault(
            f"no {window} of reach",
            (f"DELETE FROM raw.campaign_reach WHERE {window_rows}",),
            (counts,),
        )
        if window != "HOUR":
            yield fault(
                f"a {window} that reached more than its parts",
                "raw.campaign_reach",
                "reach = 2000000000",
                window_rows,
                bound,
            )
            yield fault(
                f"a {window} that reached no household",
                "raw.campaign_reach",
                "reach = 0",
                window_rows,
                "whatever_delivered_reached_somebody",
                nests,
            )
    yield Fault(
        "reach to date that decreases",
        (
            """UPDATE raw.campaign_reach SET reach = 2000000000
               WHERE reach_window = 'FLIGHT_TO_DATE' AND window_start = (
                   SELECT min(window_start) FROM raw.campaign_reach
                   WHERE reach_window = 'FLIGHT_TO_DATE'
               )""",
        ),
        (nests, "reach_within_platform_households"),
    )
    yield fault(
        "ten times in an hour but not in its day",
        "raw.campaign_reach",
        "reach_10plus = 2000000000",
        "reach_window = 'HOUR'",
        nests,
    )


def raw_entity_faults() -> Iterator[Fault]:
    """One broken row per rule of a table that is no NULL, no word and no number below 0."""
    made_early = "updated_at = created_at - INTERVAL 1 SECOND"
    seen_early = "event_ts = hour_ts - INTERVAL 1 SECOND"
    for table, change, rule in (
        ("advertisers", "contact_email = 'someone@mail.test'", "not: contact_email *"),
        ("advertisers", made_early, "updated_at < created_at"),
        ("campaigns", "buy_type = 'DIRECT_IO', dsp_partner = 'YAHOO'", "not: (buy_type = *"),
        ("campaigns", made_early, "updated_at < created_at"),
        ("flights", "end_date = start_date - 1", "end_date < start_date"),
        ("frequency_caps", "max_impressions = 0", "not: max_impressions >= 1"),
        ("frequency_caps", "time_units = 0", "not: time_units >= 1"),
        ("line_items", "budget_share = 1.5", "not: budget_share *"),
        ("creatives", "rotation_weight = 0", "not: rotation_weight >= 1"),
        (
            "creatives",
            "rotation_start_date = DATE '2025-01-02', rotation_end_date = DATE '2025-01-01'",
            "not: rotation_end_date *",
        ),
        ("creatives", "placement = 'PAUSE', duration_seconds = 30", "not: (placement = *"),
        ("creatives", "duration_seconds = 31", "not: duration_seconds *"),
        ("creatives", "width = height", "not: width *"),
        ("creatives", "file_size_bytes = 1000000001", "not: file_size_bytes *"),
        (
            "creatives",
            "is_interactive = true, interactive_meta = NULL",
            "not: is_interactive *",
        ),
        ("platforms", "ad_minutes_per_hour = 'nan'", "ad_minutes_per_hour is below *"),
        ("platforms", "min_win_ratio = 1.001", "min_win_ratio is not from 0 to 1"),
        ("inventory_hourly", "price_index = 'inf'", "price_index is below 0 or infinite"),
        ("campaign_reach", "reach_2plus = impressions", "not: reach + *"),
        ("campaign_reach", "impressions = 10 * reach, reach_10plus = 0", "not: reach + *"),
        ("audience_daily", "clicks = impressions + 1", "impressions < clicks"),
        ("audience_daily", "video_q100 = impressions + 1", "impressions < video_q100"),
        ("ad_impressions", seen_early, "event_ts < hour_ts"),
        ("ad_impressions", "slot_in_pod = pod_size + 1", "pod_size < slot_in_pod"),
        ("ad_impressions", "is_measurable = false, is_audible = true", "not: is_measurable *"),
        ("ad_errors", seen_early, "event_ts < hour_ts"),
        ("conversions_daily", "conversions = 0", "not: conversions >= 1"),
    ):
        yield fault(
            f"{table}: {change}", f"raw.{table}", change, "true", f"rules_raw_{table}: {rule}"
        )
    for larger, smaller in pairwise(("impressions", *REACH)):
        yield fault(
            f"{larger} below {smaller}",
            "raw.campaign_reach",
            f"{larger} = {smaller} - 1",
            "true",
            f"rules_raw_campaign_reach: {larger} < {smaller}",
        )


def mart_faults() -> Iterator[Fault]:
    """The same invariants, broken in the marts instead."""
    table, fits = f"marts.{FINEST}", "side_counts_fit_performance_hourly"
    for change, test in (
        ("requests = responses - 1", f"ordered_{FINEST}_requests__*"),
        ("video_q50 = video_q25 + 1", f"ordered_{FINEST}_video_impressions__*"),
        (
            "video_starts = video_impressions + 1",
            f"ordered_{FINEST}_video_impressions__*",
        ),
        (
            "viewable_impressions = measurable_impressions + 1",
            f"ordered_{FINEST}_impressions__*",
        ),
        ("timeout_count = requests - responses + 1", fits),
        ("error_count = auctions_won - impressions + 1", fits),
        ("audible_impressions = measurable_impressions + 1", fits),
        ("video_impressions = impressions + 1", fits),
        ("clicks = impressions + 1", fits),
        ("qr_scans = qr_impressions + 1", fits),
        ("qr_impressions = impressions + 1", fits),
        ("interactive_engagements = interactive_impressions + 1", fits),
        ("interactive_impressions = impressions + 1", fits),
        ("skips = video_starts - video_q100 + 1", fits),
        ("skips = skippable_video_starts + 1", fits),
        ("skippable_video_starts = video_starts + 1", fits),
        ("spend = -0.000001", "nothing_is_negative_performance_hourly"),
        ("requests = 2 * responses + 1", f"min_ratio_{FINEST}_requests__*"),
        ("responses = 3 * eligible_impressions + 1", f"min_ratio_{FINEST}_responses__*"),
        ("eligible_impressions = 200 * auctions_won + 1", f"min_ratio_{FINEST}_eligible_*"),
        ("auctions_won = 3 * impressions + 1", f"min_ratio_{FINEST}_auctions_won__*"),
        ("spend = spend + 1000000000", f"within_budget_{FINEST}_*"),
    ):
        yield fault(f"{FINEST}: {change}", table, change, "impressions > 0", test)
    yield fault(
        f"{FINEST}: spend without impressions",
        table,
        "spend = 0.000001, impressions = 0",
        "true",
        f"zero_unless_{FINEST}_spend__*",
    )
    table = f"marts.{ROLLUPS[0]}"
    for change, test in (
        ("ctr = 'inf'", "metrics_are_at_most_1"),
        ("fill_rate = 'nan'", "metrics_are_at_most_1"),
        ("interactive_rate = -0.001", "metrics_are_at_most_1"),
        ("video_completion_rate = 1.0000001", "metrics_are_at_most_1"),
        ("cpc = 'inf'", "metrics_are_finite"),
        ("vcpm = 'nan'", "metrics_are_finite"),
        ("effective_cpm = -1", "metrics_are_finite"),
        ("avg_watch_time_seconds = 76", "metrics_are_at_most_75"),
    ):
        yield fault(f"{ROLLUPS[0]}: {change}", table, change, "true", test)
    for mart in ROLLUPS:
        table = f"marts.{mart}"
        recomputed = f"recomputes_{mart}"
        for change in (
            "impressions = impressions + 1",
            "spend = spend + 0.000001",
            "watch_seconds = watch_seconds + 0.001",
            "ctr = ctr * 1.0000001",
            "video_completion_rate = NULL",
        ):
            where = "clicks > 0 AND video_starts > 0"
            yield fault(f"{mart}: {change}", table, change, where, recomputed)
        yield Fault(
            f"{mart}: a row lost",
            (f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})",),
            (recomputed,),
        )
    for change, test in (
        ("ad_opportunities = ad_opportunities + 1", "reconciles_fct_inventory_daily_*"),
        ("price_index = 'inf'", "rules_fct_inventory_daily: price_index is *"),
        ("booked_share = -0.1", "rules_fct_inventory_daily: booked_share is *"),
    ):
        yield fault(f"inventory: {change}", "marts.fct_inventory_daily", change, "true", test)
    yield fault(
        "conversions that no report has",
        "raw.conversions_daily",
        "conversions = conversions + 1",
        "true",
        "reconciles_ad_reporting__campaign_report_*_conversions_daily",
        "reconciles_fct_conversions_daily_*",
    )
    for change, test in (
        ("conversions = conversions + 1", "conversions_are_those_of_clicks_and_of_views"),
        ("conversions = conversions + 1", "reconciles_fct_conversions_daily_*"),
        ("conversions_value = conversions_value + 1", "reconciles_fct_conversions_daily_*"),
        ("roas = 'inf'", "conversion_metrics_are_finite"),
        ("post_view_share = 1.0001", "conversion_metrics_are_at_most_1"),
    ):
        yield fault(f"conversions: {change}", "marts.fct_conversions_daily", change, "true", test)
    of_no_day = "INSERT INTO intermediate.int_source_days (raw_table) VALUES ('performance_hourly')"
    yield Fault("a source of no day", (of_no_day,), ("unique_grain_int_source_local_days_*",))
    hourly = "marts.fct_campaign_performance_hourly"
    yield Fault(
        "an hour twice on local days",
        (f"INSERT INTO {hourly} SELECT * FROM {hourly} LIMIT 1",),
        ("unique_grain_int_performance_local_*",),
    )
    local = "marts.fct_campaign_performance_daily_local"
    for change, test in (
        ("active_hours = 26", "a_local_day_has_at_most_25_hours"),
        ("local_date = local_date + 1", f"recomputes_{local.removeprefix('marts.')}"),
    ):
        yield fault(f"a local day: {change}", local, change, "true", test)
    for change in ("impressions = impressions + 1", "spend = spend + 0.000001"):
        for mart, test in (
            (local.removeprefix("marts."), "days_of_the_advertiser_add_up_to_the_utc_days_*"),
            ("fct_performance_hourly", "reconciles_fct_performance_hourly_*"),
            ("fct_campaign_performance_daily", "reconciles_fct_campaign_performance_daily_*"),
            (
                "fct_campaign_performance_daily",
                "reconciles_ad_reporting__campaign_report_*_performance_hourly",
            ),
            ("fct_campaign_pacing_daily", "reconciles_fct_campaign_pacing_daily_*"),
        ):
            name = f"{mart} against {test}: {change}"
            yield fault(name, f"marts.{mart}", change, "impressions > 0", test)
    yield from pacing_faults()
    yield from reach_and_audience_faults()
    for change, where, test in (
        ("skips = 1", "skippable_video_starts = 0", f"zero_unless_{FINEST}_skips__*"),
        ("qr_scans = 1", "qr_impressions = 0", f"zero_unless_{FINEST}_qr_scans__*"),
        (
            "interactive_engagements = 1",
            "interactive_impressions = 0",
            f"zero_unless_{FINEST}_interactive_engagements__*",
        ),
        ("placement = 'PAUSE'", "video_starts > 0", f"zero_unless_{FINEST}_video_starts_*"),
        ("campaign_id = 999999", "true", f"agrees_with_{FINEST}_campaign_id__*"),
        ("line_item_id = 999999", "true", f"agrees_with_{FINEST}_line_item_id__*"),
        ("hour_ts = hour_ts + INTERVAL 9000 DAY", "true", f"complete_hours_{FINEST}_*"),
        ("auctions_won = 2000000000", "true", f"within_inventory_{FINEST}_"),
    ):
        yield fault(f"{FINEST}: {change}", f"marts.{FINEST}", change, where, test)
    yield Fault(
        "a creative that is scheduled twice",
        ("INSERT INTO raw.creatives SELECT * FROM raw.creatives LIMIT 1",),
        ("unique_grain_int_rotations_scheduled_*",),
    )
    for table, change, test in (
        ("dim_line_items", "budget_share = budget_share / 2", "adds_up_to_dim_line_items_*"),
        (
            "dim_campaigns",
            "last_flight_date = first_flight_date - 1",
            "ordered_dim_campaigns_last_flight_date__*",
        ),
        (
            "dim_campaigns",
            "flights = flight_days + 1",
            "ordered_dim_campaigns_flight_days__*",
        ),
    ):
        yield fault(f"{table}: {change}", f"marts.{table}", change, "true", test)
    for dimension in ("campaigns", "line_items", "creatives"):
        yield Fault(
            f"dim_{dimension}: a row lost",
            (
                f"""DELETE FROM marts.dim_{dimension}
                    WHERE rowid = (SELECT min(rowid) FROM marts.dim_{dimension})""",
            ),
            (f"reconciles_dim_{dimension}_*",),
        )


def pacing_faults() -> Iterator[Fault]:
    """A plan that is not the budget's, a day that does not add up, a version without an end."""
    yield Fault(
        "a flight that is planned twice",
        (
            """INSERT INTO raw.flights
               SELECT flight_id + 1000000, campaign_id, start_date, end_date FROM raw.flights
               LIMIT 1""",
        ),
        ("unique_grain_int_pacing_plan_*",),
    )
    yield fault(
        "a plan below zero",
        "marts.dim_budgets_history",
        "budget_amount = -1",
        "true",
        "a_plan_lies_within_the_budget",
    )
    for change, test in (
        ("pacing_index = 'inf'", "rules_fct_campaign_pacing_daily: pacing_index is *"),
        ("daily_pacing_index = -1", "rules_fct_campaign_pacing_daily: daily_pacing_index is *"),
        ("budget_spent_pct = 100.0001", "no_more_than_the_budget_is_spent_*"),
        ("budget_remaining = -0.000001", "what_is_left_and_projected_fits_the_budget"),
        ("spend_to_date = spend_to_date + 0.000001", "what_is_left_and_projected_*"),
        ("projected_spend = budget_total + 0.000001", "what_is_left_and_projected_*"),
        ("projected_spend = spend_to_date - 0.000001", "what_is_left_and_projected_*"),
    ):
        yield fault(f"pacing: {change}", "marts.fct_campaign_pacing_daily", change, "true", test)
    history = "marts.dim_campaigns_history"
    for change, test in (
        ("valid_to = valid_from", "a_version_ends_after_it_begins"),
        ("is_present = false", "a_version_ends_after_it_begins"),
        ("is_present = false", "each_campaign_has_one_present_version"),
        ("status = 'PAUSED'", "the_present_version_has_the_state_of_the_campaign"),
    ):
        yield fault(f"history: {change}, {test}", history, change, "true", test)
    versions = "marts.dim_budgets_history"
    for change, test in (
        ("valid_to = valid_from", "a_version_of_a_budget_ends_after_it_begins"),
        ("budget_amount = 0", "the_present_version_is_the_budget_of_the_campaign"),
    ):
        yield fault(f"budgets: {change}, {test}", versions, change, "true", test)
    changed = """INSERT INTO raw.campaign_changes VALUES (101, {campaign}, '{entity}', {id},
        'status', 'ACTIVE', 'PAUSED', TIMESTAMP '2025-09-20 09:00', '{reason}')"""
    change = {"campaign": 1, "entity": "CAMPAIGN", "id": 1, "reason": "CLIENT"}
    for name, wrong, test in (
        ("campaign", {"campaign": 99}, "references_raw_campaign_changes: campaign_id *"),
        ("entity", {"entity": "NONE"}, "rules_raw_campaign_changes: entity_type is another word"),
        ("reason", {"reason": "NONE"}, "rules_raw_campaign_changes: reason is another word"),
        ("id of an entity", {"id": "NULL"}, "rules_raw_campaign_changes: entity_id is null"),
        ("entity that has versions", {"id": "NULL"}, "unique_grain_int_logged_versions_*"),
    ):
        yield Fault(
            f"a change without a known {name}", (changed.format(**change | wrong),), (test,)
        )
    yield Fault(
        "a change logged twice",
        (changed.format(**change), changed.format(**change)),
        (
            "rules_raw_campaign_changes: change_id is in several rows",
            "unique_grain_stg_ads__campaign_changes_*",
            "every_logged_change_is_named",
        ),
    )
    named = """INSERT INTO marts.fct_campaign_changes (change_id, campaign_id, advertiser_id,
        change_type) VALUES ({change}, {campaign}, {advertiser}, '{type}')"""
    row = {"change": 1, "campaign": 1, "advertiser": 1, "type": "PAUSED"}
    for name, wrong, test in (
        ("without an id", {"change": "NULL"}, "rules_fct_campaign_changes: change_id is null"),
        ("without a moment", {}, "rules_fct_campaign_changes: changed_at is null"),
        ("of no campaign", {"campaign": 99}, "references_fct_campaign_changes: campaign_id *"),
        (
            "of no advertiser",
            {"advertiser": 99},
            "references_fct_campaign_changes: advertiser_id *",
        ),
        (
            "without a meaning",
            {"type": "NONE"},
            "rules_fct_campaign_changes: change_type is another word",
        ),
    ):
        yield Fault(f"a named change {name}", (named.format(**row | wrong),), (test,))
    yield Fault(
        "a change named twice",
        (named.format(**row), named.format(**row)),
        ("rules_fct_campaign_changes: change_id is in several rows",),
    )
    creatives_daily = "marts.fct_creative_performance_daily"
    of_no_day = ("activity_date = NULL", "true", "unique_grain_int_billed_daily_*")
    yield fault("what is billed on no day", creatives_daily, *of_no_day)
    yield Fault(
        "a campaign twice on the as-of date",
        ("INSERT INTO raw.campaigns SELECT * FROM raw.campaigns LIMIT 1",),
        ("unique_grain_int_campaigns_as_of_*",),
    )
    daily = "marts.fct_campaign_performance_daily"
    yield Fault(
        "a day that is reported twice",
        (f"INSERT INTO {daily} SELECT * FROM {daily} LIMIT 1",),
        ("unique_grain_ad_reporting__campaign_report_*", "unique_grain_fct_geography_daily_*"),
    )


def reach_and_audience_faults() -> Iterator[Fault]:
    """What staging watches over, broken in the marts, and shares of a population."""
    reach = "marts.fct_campaign_reach"
    for change, where, test in (
        ("impressions = reach - 1", "reach > 0", "ordered_fct_campaign_reach_*"),
        ("reach_5plus = reach_3plus + 1", "true", "ordered_fct_campaign_reach_*"),
        ("reach_10plus = -1", "true", "ordered_fct_campaign_reach_*"),
        ("frequency = 0.999", "true", "a_frequency_is_at_least_one"),
        ("frequency = 'nan'", "true", "rules_fct_campaign_reach: frequency is *"),
        ("impressions = impressions + 1", "true", "reach_counts_delivery_fct_campaign_reach_*"),
        ("reach = 2000000000", "reach_window = 'DAY'", "reach_sums_bound_fct_campaign_reach_"),
        ("reach = 2000000000", "reach_window = 'DAY'", "reach_nests_fct_campaign_reach_"),
    ):
        yield fault(f"reach mart: {change}, {test}", reach, change, where, test)
    audience = "marts.fct_audience_daily"
    for change, test in (
        ("impressions = impressions + 1", "segments_add_up_fct_audience_daily_*"),
        ("clicks = clicks + 1", "segments_add_up_fct_audience_daily_*"),
        ("impression_share = 1.0001", "rules_fct_audience_daily: impression_share is *"),
        ("segment_ctr = 'nan'", "rules_fct_audience_daily: segment_ctr is *"),
        ("audience_index = 'inf'", "rules_fct_audience_daily: audience_index is *"),
    ):
        yield fault(f"audience mart: {change}", audience, change, "true", test)
    yield from place_and_report_faults()
    for table, change, test in (
        ("platform_population", "population_share = 0", "adds_up_to_platform_population_*"),
        (
            "platform_population",
            "population_share = 1.1",
            "rules_platform_population: population_share is *",
        ),
        (
            "platform_calendar",
            "viewing_weight = 'inf'",
            "rules_platform_calendar: viewing_weight is *",
        ),
        (
            "platform_calendar",
            "frontload_decay_per_flight = -1",
            "rules_platform_calendar: frontload_decay_per_flight is *",
        ),
    ):
        yield fault(f"{table}: {change}", f"seeds.{table}", change, "true", test)


def place_and_report_faults() -> Iterator[Fault]:
    """What the views of places and of common columns are made of, broken."""
    for mart, where, *tests in (
        ("fct_audience_daily", "dimension = 'REGION'", "reconciles_fct_geography_daily_with_*"),
        ("fct_advertiser_performance_daily", "true", "reconciles_ad_reporting__account_report_*"),
        (
            "fct_creative_performance_daily",
            "true",
            "reconciles_ad_reporting__ad_report_*",
            "reconciles_ad_reporting__ad_group_report_*",
        ),
    ):
        yield fault(
            f"a click more in {mart}", f"marts.{mart}", "clicks = clicks + 1", where, *tests
        )
    renamed = "INSERT INTO marts.{0} SELECT * REPLACE ('other' AS {1}) FROM marts.{0}"
    for name, statement, *tests in (
        (
            "a campaign with two names",
            renamed.format("dim_campaigns", "campaign_name"),
            "unique_grain_ad_reporting__monthly_campaign_*",
        ),
        (
            "a line item with two names",
            renamed.format("dim_line_items", "line_item_name"),
            "unique_grain_ad_reporting__ad_group_report_*",
            "unique_grain_ad_reporting__ad_report_*",
        ),
        (
            "an advertiser with several names",
            "UPDATE marts.dim_campaigns SET advertiser_id = 1",
            "unique_grain_ad_reporting__account_report_*",
        ),
        (
            "a campaign that no table has",
            "DELETE FROM marts.dim_campaigns",
            "references_fct_geography_daily: campaign_id *",
            "reconciles_ad_reporting__region_report_with_fct_geography_daily",
            "reconciles_ad_reporting__country_report_with_fct_geography_daily",
        ),
        (
            "a region without its spend",
            "DELETE FROM marts.fct_audience_daily WHERE segment = 'US-501'",
            "spend_of_regions_adds_up_to_the_day",
        ),
    ):
        yield Fault(name, (statement,), tuple(tests))


def quality_faults() -> Iterator[Fault]:
    """Faults that were not found, findings that are none, rows without a home, an unknown log."""
    detection = "marts.fct_fault_detection"
    for change, test in (
        ("labelled_days = 2, detection_recall = 0.5", "faults_on_purpose_are_found"),
        ("labelled_days = 1, detection_precision = 0.5", "little_else_is_found"),
    ):
        yield fault(f"detection: {change}", detection, change, "true", test)
    yield fault(
        "a finding", "marts.fct_data_quality_daily", "findings = 1", "true", "nothing_is_found"
    )
    yield Fault(
        "a row without a known creative",
        (
            """INSERT INTO marts.fct_performance_orphans (reason, device, hour_ts, performance_rows)
               VALUES ('UNHEARD_OF', 'CTV', TIMESTAMP '2025-09-01', 1)""",
        ),
        ("every_row_has_a_home", "accepted_values_fct_performance_orphans_reason__*"),
    )
    orphan_row = """INSERT INTO marts.fct_performance_orphans (reason, device, hour_ts)
        VALUES ('NO_CREATIVE_ID', 'CTV', TIMESTAMP '2025-09-01')"""
    yield Fault(
        "an orphan twice", (orphan_row, orphan_row), ("unique_grain_fct_performance_orphans",)
    )
    finding = """INSERT INTO intermediate.int_quality_findings (fault_type, activity_date, findings)
        VALUES ('NOT_A_FAULT', DATE '2025-09-01', 1)"""
    yield Fault(
        "a finding of no type", (finding,), ("references_int_quality_findings: fault_type *",)
    )
    yield Fault("a finding twice", (finding, finding), ("unique_grain_int_quality_findings",))
    valid = """INSERT INTO staging.base_ads__performance_irregular
        (creative_id, device, hour_ts, is_valid)
        SELECT creative_id, device, hour_ts, true FROM raw.performance_hourly LIMIT 1"""
    yield Fault(
        "two valid versions of a row", (valid, valid), ("one_version_of_an_irregular_row_is_valid",)
    )
    logged = """INSERT INTO raw.fault_log VALUES ('outage_1', '{type}', 'performance_hourly',
        {campaign}, DATE '2025-09-01', '{{}}', TIMESTAMP '2025-09-01 0{first}:00',
        TIMESTAMP '2025-09-01 05:00', {rows})"""
    entry = {"type": "OUTAGE", "campaign": 1, "first": 4, "rows": 3}
    for name, wrong, test in (
        ("type", {"type": "NONE"}, "rules_raw_fault_log: fault_type is another word"),
        ("campaign", {"campaign": 99}, "references_raw_fault_log: campaign_id *"),
        ("end", {"first": 6}, "rules_raw_fault_log: to_ts < from_ts"),
        (
            "number of rows",
            {"rows": -1},
            "rules_raw_fault_log: rows_touched is below 0 or infinite",
        ),
        ("rows at all", {"rows": "NULL"}, "rules_raw_fault_log: rows_touched is null"),
    ):
        yield Fault(f"a fault logged without a {name}", (logged.format(**entry | wrong),), (test,))
    yield Fault(
        "a fault logged twice",
        (logged.format(**entry), logged.format(**entry)),
        ("rules_raw_fault_log: * is in several rows", "unique_grain_stg_ads__fault_log_*"),
    )


def incident_faults() -> Iterator[Fault]:
    """Incidents that the log does not have, or not so, and incidents of no campaign."""
    row = {"campaign": 1, "advertiser": 1, "type": "'OUTAGE'", "first": 4}
    incident = """INSERT INTO marts.fct_incidents (incident, campaign_id, advertiser_id,
        incident_type, rows_touched, active_days, from_ts, to_ts) VALUES ('outage_1', {campaign},
        {advertiser}, {type}, 1, 1, TIMESTAMP '2025-09-01 0{first}:00',
        TIMESTAMP '2025-09-01 05:00')"""
    for name, wrong, test in (
        ("keys", {}, "rules_fct_incidents: aimed_at is null"),
        ("a log", {}, "incidents_touch_the_rows_of_the_log"),
        ("an end after its start", {"first": 6}, "ordered_fct_incidents_to_ts__from_ts"),
        ("a campaign", {"campaign": 99}, "references_fct_incidents: campaign_id *"),
        ("an advertiser", {"advertiser": 99}, "references_fct_incidents: advertiser_id *"),
        ("a known type", {"type": "'NONE'"}, "references_fct_incidents: incident_type *"),
    ):
        yield Fault(f"an incident without {name}", (incident.format(**row | wrong),), (test,))
    twice = (incident.format(**row), incident.format(**row))
    yield Fault("an incident twice", twice, ("rules_fct_incidents: * is in several rows",))


def realism_faults() -> Iterator[Fault]:
    """A verdict without a reason, a benchmark missed where none may be, a market counted twice."""
    scorecard, shapes = "marts.realism_scorecard", "marts.realism_shapes"
    missed = "status = 'OUTSIDE', workflow = 'calibration'"
    for table, change, where, test in (
        (
            scorecard,
            "distance_in_widths = 'nan'",
            "true",
            "rules_realism_scorecard: distance_in_widths is *",
        ),
        (scorecard, "why_not_applicable = NULL", "measured_value IS NULL", "what_is_not_*"),
        (scorecard, "measured_value = NULL", "status = 'INSIDE'", "what_is_not_applicable_says_*"),
        (
            scorecard,
            missed,
            "is_binding AND measured_value IS NOT NULL",
            "calibration_is_inside_every_binding_benchmark",
        ),
        (
            scorecard,
            "workflow = 'calibration'",
            "is_binding AND why_not_applicable = 'needs a market'",
            "calibration_is_inside_every_binding_benchmark",
        ),
        (
            shapes,
            "distance_in_widths = -1",
            "true",
            "rules_realism_shapes: distance_in_widths is *",
        ),
        (shapes, missed, "true", "calibration_has_every_shape"),
        ("marts.realism_invariants", "violations = 1", "true", "no_invariant_is_broken"),
        ("seeds.platform_markets", "utc_offset_hours = 15", "true", "finite_platform_markets_*"),
    ):
        yield fault(f"{table}: {change}, {test}", table, change, where, test)
    yield Fault(
        "a market with two offsets",
        ("INSERT INTO seeds.platform_markets SELECT * FROM seeds.platform_markets",),
        ("unique_grain_int_viewing_by_local_hour_*",),
    )


# The counts of an hourly row, over its impressions in the log.
LOGGED = {
    "impressions": "count(*)",
    "video_starts": "countif(furthest_event <> 'NOT_STARTED')",
    "video_q25": "countif(furthest_event NOT IN ('NOT_STARTED', 'START'))",
    "video_q50": "countif(furthest_event IN ('MIDPOINT', 'THIRD_QUARTILE', 'COMPLETE'))",
    "video_q75": "countif(furthest_event IN ('THIRD_QUARTILE', 'COMPLETE'))",
    "video_q100": "countif(furthest_event = 'COMPLETE')",
    "skips": "countif(is_skipped)",
    "clicks": "countif(is_clicked)",
    "qr_scans": "countif(is_scanned)",
    "interactive_engagements": "countif(is_engaged)",
    "measurable_impressions": "countif(is_measurable)",
    "viewable_impressions": "countif(is_viewable)",
    "audible_impressions": "countif(is_audible)",
    "spend": "sum(spend)",
}
TIERS = {
    f"reach{suffix}": least
    for suffix, least in zip(
        ("", "_2plus", "_3plus", "_5plus", "_10plus"), (1, 2, 3, 5, 10), strict=True
    )
}
LOG = "marts.fct_ad_impressions"


def whole_log() -> tuple[str, ...]:
    """The statements that make the panel the log of all households: hourly rows and reach are what
    it says."""
    hour = "campaign_id, line_item_id, creative_id, device, hour_ts"
    sums = ", ".join(f"{expression} AS {name}" for name, expression in LOGGED.items())
    tiers = ", ".join(f"countif(n >= {least}) AS {tier}" for tier, least in TIERS.items())
    windows = " UNION ALL ".join(
        f"""SELECT campaign_id, reach_window, window_start, household_id, count(*) AS n
            FROM raw.campaign_reach AS windows JOIN {LOG} AS log USING (campaign_id)
            WHERE reach_window = '{window}' AND {inside} GROUP BY ALL"""
        for window, inside in (
            ("HOUR", "hour_ts = window_start"),
            ("DAY", "date_trunc('day', hour_ts) = window_start"),
            ("WEEK", "date_trunc('week', hour_ts) = window_start"),
            ("FLIGHT_TO_DATE", "hour_ts < window_start + INTERVAL 1 DAY"),
        )
    )
    return (
        "UPDATE raw.runs SET log_share = 1",
        *replaced(
            f"marts.{FINEST}", hour, LOGGED, f"SELECT {hour}, {sums} FROM {LOG} GROUP BY ALL"
        ),
        *replaced(
            "raw.campaign_reach",
            "campaign_id, reach_window, window_start",
            ("impressions", *TIERS),
            f"""SELECT campaign_id, reach_window, window_start, sum(n) AS impressions, {tiers}
                FROM ({windows}) GROUP BY ALL""",
        ),
    )


def replaced(table: str, keys: str, columns: Iterable[str], query: str) -> Iterator[str]:
    """The statements that give some columns the values of a query, or 0 where it has no row."""
    yield f"UPDATE {table} SET {', '.join(f'{column} = 0' for column in columns)}"
    values = ", ".join(f"{column} = counted.{column}" for column in columns)
    same = " AND ".join(f"counted.{key} = kept.{key}" for key in keys.split(", "))
    yield f"UPDATE {table} AS kept SET {values} FROM ({query}) AS counted WHERE {same}"


def log_faults() -> Iterator[Fault]:
    """A log that is not its delivery, or not its reach, or sold a household too often."""
    delivery, reach = "log_counts_delivery_*", "log_counts_reach_*"
    for count in LOGGED:
        yield Fault(
            f"more {count} in the log than delivered",
            (f"UPDATE marts.{FINEST} SET {count} = 0",),
            (delivery,),
        )
    for tier in ("impressions", *TIERS):
        yield Fault(
            f"more {tier} in the log than published",
            (f"UPDATE raw.campaign_reach SET {tier} = 0",),
            (reach,),
        )
    whole = whole_log()
    lost = f"DELETE FROM {LOG} WHERE rowid = (SELECT min(rowid) FROM {LOG})"
    yield Fault("a whole log without one impression", (*whole, lost), (delivery, reach))
    for change, where in (
        ("is_clicked = false", "is_clicked"),
        ("spend = spend - 0.000001", "true"),
        ("furthest_event = 'MIDPOINT'", "furthest_event = 'COMPLETE'"),
    ):
        yield Fault(f"a whole log: {change}", (*whole, in_one_row(LOG, change, where)), (delivery,))
    for window in ("HOUR", "DAY", "WEEK", "FLIGHT_TO_DATE"):
        more = in_one_row(
            "raw.campaign_reach", "reach_2plus = reach_2plus + 1", f"reach_window = '{window}'"
        )
        yield Fault(f"a whole log without a household of a {window}", (*whole, more), (reach,))
    for change in (
        "max_impressions = 1",
        "time_units = 100",
        "time_unit = 'LIFETIME', max_impressions = 1",
    ):
        yield Fault(
            f"a cap that did not hold: {change}",
            (f"UPDATE raw.frequency_caps SET {change}",),
            ("caps_hold_*",),
        )
    for change in ("exposure_number + 1", "exposure_number - 1"):
        yield Fault(
            f"an exposure that is numbered as another one: {change}",
            (in_one_row(LOG, f"exposure_number = {change}", "exposure_number > 1"),),
            ("a_household_sees_a_campaign_without_gaps",),
        )
    twice = (f"INSERT INTO {LOG} SELECT * FROM {LOG} LIMIT 1",)
    yield Fault("an impression with each event twice", twice, ("unique_grain_fct_ad_events_*",))
    yield Fault(
        "households of no country",
        ("UPDATE raw.households SET country = NULL",),
        ("unique_grain_fct_clean_room_audience_*",),
    )
    yield Fault(
        "profiles of other households",
        ("UPDATE raw.profiles SET household_id = household_id + 1",),
        ("agrees_with_fct_ad_impressions_household_id__*",),
    )
    for mart, change, test in (
        ("fct_sessions", "impressions = impressions + 1", "reconciles_fct_sessions_*"),
        ("fct_sessions", "ad_breaks = impressions + 1", "a_session_has_no_more_breaks_than_ads"),
        ("fct_household_frequency_daily", "impressions = impressions + 1", "reconciles_fct_house*"),
        (
            "fct_household_frequency_daily",
            "impressions_to_date = impressions - 1",
            "a_day_is_a_part_of_all_days_to_date",
        ),
        ("fct_frequency_distribution", "impressions = impressions + 1", "reconciles_fct_freq*"),
        (
            "fct_frequency_distribution",
            "effective_reach = households - 1",
            "exactly_n_exposures_are_at_least_n",
        ),
        ("fct_reach_overlap", "shared_reach = reach + 1", "campaigns_share_no_more_than_*"),
        (
            "fct_advertiser_reach",
            "reach = reach_of_campaigns + 1",
            "an_advertiser_reached_no_more*",
        ),
        ("fct_advertiser_reach", "frequency = 0.999", "the_frequency_of_an_advertiser_is_*"),
    ):
        yield fault(f"{mart}: {change}", f"marts.{mart}", change, "true", test)


def outcome_faults() -> Iterator[Fault]:
    """Conversions, what they are attributed to, and the truth about them."""
    for table, change, where, test in (
        ("raw.conversions", "received_at = event_ts - INTERVAL 1 SECOND", "true", "received_at <*"),
        (
            "truth.conversion_causes",
            "campaign_id = 1",
            "cause = 'BASELINE'",
            "not: (cause = 'BASE*",
        ),
        (
            "truth.conversion_causes",
            "without_ads_ts = NULL",
            "cause <> 'CAUSED'",
            "not: (cause = 'CAU*",
        ),
        ("truth.household_outcomes", "conversions_with_ads = 0", "true", "*with_ads >= 1"),
        ("raw.prices_weekly", "price_index = 0", "true", "not: price_index > 0"),
        ("raw.experiments", "ends_at = starts_at - INTERVAL 1 SECOND", "true", "ends_at <*"),
        ("raw.experiments", "control_share = 0.6", "true", "not: control_share*"),
        ("raw.ghost_impressions", "event_ts = hour_ts - INTERVAL 1 SECOND", "true", "event_ts <*"),
    ):
        rule = f"rules_raw_{table.partition('.')[2]}: {test}"
        yield fault(f"{table}: {change}", table, change, where, rule)
    for mart, change, test in (
        ("fct_touchpoints", "touch_number = touches + 1", "touches_are_counted_up_to_*"),
        ("fct_attributed_conversions", "credit = credit + 0.000001", "credits_of_a_conversion_*"),
        ("fct_attribution_scorecard", "regret = 1.01", "regret_is_a_share_*"),
        ("fct_experiment_households", "ghost_impressions = 1", "a_held_out_household_*"),
        ("fct_experiment_lift", "incremental_conversions = 3", "an_effect_is_inside_*"),
        ("fct_experiment_lift", "sample_ratio_score = -4.5", "arms_have_the_share_*"),
        ("fct_uplift_deciles", "uplift = 3", "an_uplift_is_inside_*"),
        ("fct_creative_choices", "creative_propensity = 1", "a_choice_could_have_been_*"),
        ("fct_creative_test", "conversion_rate = 9", "a_conversion_rate_is_inside_*"),
        ("fct_creative_scorecard", "regret = 1.01", "a_regret_is_a_share*"),
        ("fct_media_mix_weekly", "reach = impressions + 1", "no_household_is_reached_*"),
        ("fct_conversion_quality_daily", "silent_hours = 3", "reports_of_conversions_*"),
        ("fct_media_mix_weekly", "promotion_discount = 0.9", "a_promotion_takes_off_*"),
    ):
        yield fault(f"{mart}: {change}", f"marts.{mart}", change, "true", test)
    yield Fault(
        "touches of no type",
        ("UPDATE marts.fct_touchpoints SET conversion_type = NULL",),
        ("unique_grain_int_removal_effects_*",),
    )


def allowed() -> Iterator[Fault]:
    """What is just inside a bound: the tests named must stay silent."""
    for budget_type, spent in SPENT.items():
        yield Fault(
            f"the whole {budget_type} budget spent, to the micro",
            (budget_of_first_campaign(budget_type, spent),),
            ("within_budget_stg_*",),
        )
    for numerator, denominator, floor in FLOORS:
        yield performance(
            f"{numerator} as few as the platform's floor allows",
            f"{denominator} = {most_allowed(numerator, floor)}",
            "",
            f"min_ratio_stg_ads__performance_hourly_*{denominator}*{floor}*",
        )
    yield Fault("a whole log that adds up", whole_log(), ("log_counts_*",))
    yield Fault(
        "a metric that is undefined",
        ("UPDATE marts.fct_campaign_performance_hourly SET ctr = NULL, cpc = NULL",),
        ("metrics_are_*",),
    )


FAULTS: tuple[Fault, ...] = (
    *raw_funnel_faults(),
    *raw_cross_table_faults(),
    *raw_entity_faults(),
    *mart_faults(),
    *quality_faults(),
    *incident_faults(),
    *realism_faults(),
    *log_faults(),
    *outcome_faults(),
)


@dataclass(frozen=True)
class DataTest:
    """A data test of the project: its name, its SQL, and for a generic test what it is about."""

    name: str
    sql: str
    kind: str | None
    table: str | None
    arguments: dict[str, Any]


class Planted:
    """A copy of the built database that takes faults, and the compiled data tests."""

    def __init__(self, database: Path, tests: dict[str, DataTest]) -> None:
        self.connection = duckdb.connect(str(database))
        self.tests = tests
        for schema, table in self.connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE schema_name IN ('raw', 'truth')"
        ).fetchall():
            words = self.connection.execute(
                "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? "
                "AND table_name = ? AND starts_with(data_type, 'ENUM')",
                [schema, table],
            ).fetchall()
            as_text = ", ".join(f"{name}::VARCHAR AS {name}" for (name,) in words)
            columns = f"* REPLACE ({as_text})" if words else "*"
            self.connection.execute(
                f"CREATE TABLE {schema}.unguarded AS SELECT {columns} FROM {schema}.{table}"
            )
            self.connection.execute(f"DROP TABLE {schema}.{table}")
            self.connection.execute(f"ALTER TABLE {schema}.unguarded RENAME TO {table}")

    def matching(self, *patterns: str) -> list[DataTest]:
        """The tests with matching names; a pattern that matches none is a mistake of this file."""
        found = []
        for pattern in patterns:
            names = [name for name in self.tests if fnmatchcase(name, pattern)]
            assert names, f"no dbt test is called {pattern}"
            found += [self.tests[name] for name in names]
        return found

    def fails(self, test: DataTest) -> bool:
        """Whether the test finds a fault now."""
        rows = self.connection.execute(f"SELECT count(*) FROM ({test.sql})").fetchall()
        return bool(rows[0][0])

    def silent(self, statements: tuple[str, ...], tests: list[DataTest]) -> list[str]:
        """The names of those tests that do not fail after the statements, which are rolled back."""
        self.connection.execute("BEGIN")
        try:
            for statement in statements:
                self.connection.execute(statement)
            return [test.name for test in tests if not self.fails(test)]
        finally:
            self.connection.execute("ROLLBACK")


# The built data have no experiment, so the copy gets one.
EXPERIMENT = (
    """
    INSERT INTO raw.experiments BY NAME
    SELECT 1 AS experiment_id, 1 AS campaign_id, 'GHOST_ADS' AS experiment_design,
        'HOUSEHOLD' AS experiment_unit, 0.1 AS control_share,
        TIMESTAMP '2025-08-01' AS starts_at, TIMESTAMP '2025-11-01' AS ends_at""",
    """
    INSERT INTO raw.experiment_assignments BY NAME
    SELECT 1 AS experiment_id, household_id, 'TEST' AS experiment_arm,
        0 AS prior_conversions, 37.8 AS prior_viewing_hours FROM raw.households LIMIT 1""",
    """
    INSERT INTO raw.ghost_impressions BY NAME
    SELECT impression_id AS ghost_id, 1 AS experiment_id, campaign_id, line_item_id, creative_id,
        device, hour_ts, event_ts, household_id, exposure_number FROM raw.ad_impressions LIMIT 1""",
    """
    INSERT INTO truth.experiment_lift BY NAME
    SELECT 1 AS experiment_id, 'PURCHASE' AS conversion_type, 0 AS contamination,
        9 AS test_households, 1 AS control_households, 8 AS reached_households,
        4 AS conversions_without_ads, 1 AS caused_conversions, 1.5 AS expected_conversions,
        0 AS leaked_conversions""",
    """
    INSERT INTO marts.fct_experiment_households BY NAME
    SELECT 1 AS experiment_id, 7 AS household_id, 'VISIT' AS conversion_type,
        'TEST' AS experiment_arm, 0 AS ghost_impressions""",
    """
    INSERT INTO marts.fct_experiment_lift BY NAME
    SELECT 1 AS experiment_id, 'VISIT' AS conversion_type, 'NAIVE' AS lift_method,
        1 AS incremental_conversions, 0 AS incremental_conversions_low,
        2 AS incremental_conversions_high, 0 AS sample_ratio_score""",
    """
    INSERT INTO marts.fct_experiment_scorecard BY NAME
    SELECT 1 AS experiment_id, 'VISIT' AS conversion_type, 'NAIVE' AS lift_method""",
    """
    INSERT INTO marts.fct_uplift_deciles BY NAME
    SELECT 1 AS experiment_id, 'VISIT' AS conversion_type, 1 AS viewing_decile, 1 AS uplift,
        0 AS uplift_low, 2 AS uplift_high""",
    """
    INSERT INTO marts.fct_uplift_scorecard BY NAME
    SELECT 1 AS experiment_id, 'VISIT' AS conversion_type, 1 AS viewing_decile""",
)


@pytest.fixture(scope="module")
def planted(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The unguarded copy, with the tests compiled for the build."""
    copy = tmp_path_factory.mktemp("planted") / "planted.duckdb"
    shutil.copy(built_database, copy)
    manifest = json.loads((built_database.parent / "target" / "manifest.json").read_text())
    tests = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        metadata = node.get("test_metadata") or {}
        found = DataTest(
            name=node["name"],
            sql=node["compiled_code"],
            kind=metadata.get("name"),
            table=table_behind(node, manifest) if metadata else None,
            arguments=metadata.get("kwargs", {}),
        )
        tests |= {one.name: one for one in (rules_of(found) if found.kind in RULES else [found])}
    planted = Planted(copy, tests)
    for statement in EXPERIMENT:
        planted.connection.execute(statement)
    yield planted
    planted.connection.close()


# The tests of several rules, of which failing rows say in `broken_rules` which they break.
RULES = ("rules", "references")


def rules_of(test: DataTest) -> Iterator[DataTest]:
    """Each rule of such a test, as a test named after both, or like the rule if it has a name."""
    for label in re.findall(r"then '((?:[^']|'')*)' end,?\n", test.sql):
        named = label.replace("''", "'")
        column, _, kind = named.partition(" is ")
        yield DataTest(
            name=named if named.isidentifier() else f"{test.name}: {named}",
            sql=f"select * from ({test.sql}) where contains(broken_rules, '{label}')",
            kind=f"is {kind}" if kind else None,
            table=test.table,
            arguments={"column_name": column},
        )


def table_behind(node: dict[str, Any], manifest: dict[str, Any]) -> str | None:
    """The table to break: the tested one, the raw one of a staging view, none of another view."""
    attached = manifest["nodes"].get(node["attached_node"] or "")
    if attached is None:
        found = re.search(r"source\('(\w+)', '(\w+)'\)", node["test_metadata"]["kwargs"]["model"])
        assert found, node["name"]
        return f"{SCHEMAS[found[1]]}.{found[2]}"
    if attached["schema"] == "staging" and attached["config"]["materialized"] == "view":
        source, _, table = attached["name"].removeprefix("stg_").partition("__")
        return f"{SCHEMAS[source]}.{table}"
    if attached["config"]["materialized"] == "view":
        return None
    return f"{attached['schema']}.{attached['name']}"


# The schema of each source.
SCHEMAS = {"ads": "raw", "truth": "truth"}

# Clean data leave these empty, so there is no row to break; `quality_faults` and `pacing_faults`
# bring their own.
EMPTY = (
    "campaign_changes",
    "fault_log",
    "fct_campaign_changes",
    "fct_incidents",
    "fct_performance_orphans",
    "int_quality_findings",
    "performance_irregular",
)

# Staging makes one row of copies, but not of two versions of one load.
REPAIRED = ("raw.ad_impressions", "raw.ad_errors", "raw.conversions")


def derived_faults(test: DataTest) -> list[str]:
    """Every way to break a key, a NOT NULL, a reference or a vocabulary that the test watches."""
    if test.table is None or test.table.endswith(EMPTY):
        return []
    table, arguments = test.table, test.arguments
    column = str(arguments.get("column_name"))
    match test.kind:
        case "not_null" | "is null":
            return [in_one_row(table, f"{column} = NULL")]
        case "is below 0 or infinite" | "is not from 0 to 1":
            return [in_one_row(table, f"{column} = -1")]
        case "not_null_columns":
            return [in_one_row(table, f"{name} = NULL") for name in arguments["columns"]]
        case "unique_grain" | "is in several rows" if table in REPAIRED:
            other = f"SELECT * REPLACE (event_ts + INTERVAL 1 MICROSECOND AS event_ts) FROM {table}"
            return [f"INSERT INTO {table} {other} LIMIT 1"]
        case "unique" | "unique_grain" | "is in several rows":
            return [f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1"]
        case str(kind) if kind.startswith("is not in "):
            return [in_one_row(table, f"{column} = {orphan(column)}")]
        case "accepted_values" | "is another word":
            return [in_one_row(table, f"{column} = 'NOT_A_WORD'")]
    return []


def is_rule_of_an_empty_table(test: DataTest) -> bool:
    """Whether a rule is one that every table has, and that is broken in those with rows."""
    return f"{test.kind}".startswith("is ") and f"{test.table}".endswith(EMPTY)


def orphan(column: str) -> str:
    """A value that no table has in this key."""
    if column == "platform":
        return "'nowhere'"
    return "DATE '1999-01-01'" if column.endswith("_date") else "987654321"


def test_the_unharmed_copy_passes(planted: Planted) -> None:
    assert [test.name for test in planted.tests.values() if planted.fails(test)] == []


@pytest.mark.parametrize("planted_fault", FAULTS, ids=lambda planted_fault: planted_fault.name)
def test_a_planted_fault_is_caught(planted: Planted, planted_fault: Fault) -> None:
    tests = planted.matching(*planted_fault.caught_by)
    assert planted.silent(planted_fault.sql, tests) == []


@pytest.mark.parametrize("just_inside", list(allowed()), ids=lambda just_inside: just_inside.name)
def test_what_is_just_allowed_passes(planted: Planted, just_inside: Fault) -> None:
    tests = planted.matching(*just_inside.caught_by)
    assert planted.silent(just_inside.sql, tests) == [test.name for test in tests]


def test_keys_references_vocabularies_and_nulls_are_watched(planted: Planted) -> None:
    unnoticed = [
        (statement, test.name)
        for test in planted.tests.values()
        for statement in derived_faults(test)
        if planted.silent((statement,), [test])
    ]
    assert unnoticed == []


def test_every_data_test_has_a_fault_that_it_catches(planted: Planted) -> None:
    patterns = [pattern for planted_fault in FAULTS for pattern in planted_fault.caught_by]
    untried = [
        name
        for name, test in planted.tests.items()
        if not derived_faults(test)
        and not is_rule_of_an_empty_table(test)
        and not any(fnmatchcase(name, one) for one in patterns)
    ]
    assert untried == []


def test_dbt_reports_the_faults_and_fails(built_database: Path, tmp_path: Path) -> None:
    """The whole way once: broken marts, `dbt test`, its exit code and the tests it names."""
    copy = tmp_path / "ads.duckdb"
    shutil.copy(built_database, copy)
    mart = "fct_campaign_performance_hourly"
    with duckdb.connect(str(copy)) as connection:
        connection.execute(in_one_row(f"marts.{mart}", "ctr = 'inf'"))
        connection.execute(in_one_row(f"marts.{mart}", "video_q50 = video_q25 + 1"))
    selection = f"{mart},test_type:data"
    result = dbt(f"test --select {selection}", copy, tmp_path, DBT_WRITE_JSON="true")
    assert result.returncode == 1, result.stdout
    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    failed = {one["unique_id"].split(".")[2] for one in results if one["status"] == "fail"}
    assert {name.split(mart)[0].removesuffix("_") for name in failed} == {
        "metrics_are_at_most_1",
        "recomputes",
    }
