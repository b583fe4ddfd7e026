{#- Written by `make sources` from generator/schema/delivery_columns.py: change that file. -#}

{#- What adds up in raw performance; money is in micros. -#}
{% macro raw_counts() %}
    {{ return([
        "requests", "responses", "eligible_impressions", "auctions_won", "impressions",
        "measurable_impressions", "viewable_impressions", "audible_impressions",
        "invalid_impressions", "video_starts", "video_q25", "video_q50", "video_q75", "video_q100",
        "clicks", "skips", "qr_scans", "interactive_engagements", "spend_micros", "error_count",
        "timeout_count",
    ]) }}
{% endmacro %}

{#- What adds up in every delivery mart. -#}
{% macro delivery_facts() %}
    {{ return([
        "requests", "responses", "eligible_impressions", "auctions_won", "impressions",
        "error_count", "timeout_count", "measurable_impressions", "viewable_impressions",
        "audible_impressions", "invalid_impressions", "video_impressions", "video_starts",
        "video_q25", "video_q50", "video_q75", "video_q100", "skippable_video_starts", "skips",
        "watch_seconds", "clicks", "qr_impressions", "qr_scans", "interactive_impressions",
        "interactive_engagements", "spend",
    ]) }}
{% endmacro %}

{#- The devices of `Device` in generator/enums.py. -#}
{% macro devices() %}
    {{ return([
        "CTV", "MOBILE", "TABLET", "DESKTOP",
    ]) }}
{% endmacro %}

{#- The sums of the facts of a finer delivery mart. -#}
{% macro select_sums() -%}
        {{ total("requests") }} as requests,
        {{ total("responses") }} as responses,
        {{ total("eligible_impressions") }} as eligible_impressions,
        {{ total("auctions_won") }} as auctions_won,
        {{ total("impressions") }} as impressions,
        {{ total("error_count") }} as error_count,
        {{ total("timeout_count") }} as timeout_count,
        {{ total("measurable_impressions") }} as measurable_impressions,
        {{ total("viewable_impressions") }} as viewable_impressions,
        {{ total("audible_impressions") }} as audible_impressions,
        {{ total("invalid_impressions") }} as invalid_impressions,
        {{ total("video_impressions") }} as video_impressions,
        {{ total("video_starts") }} as video_starts,
        {{ total("video_q25") }} as video_q25,
        {{ total("video_q50") }} as video_q50,
        {{ total("video_q75") }} as video_q75,
        {{ total("video_q100") }} as video_q100,
        {{ total("skippable_video_starts") }} as skippable_video_starts,
        {{ total("skips") }} as skips,
        {{ total_seconds("watch_seconds") }} as watch_seconds,
        {{ total("clicks") }} as clicks,
        {{ total("qr_impressions") }} as qr_impressions,
        {{ total("qr_scans") }} as qr_scans,
        {{ total("interactive_impressions") }} as interactive_impressions,
        {{ total("interactive_engagements") }} as interactive_engagements,
        {{ total_spend("spend") }} as spend
{%- endmacro %}

{#- The facts, in the order of the columns. -#}
{% macro select_facts() -%}
        -- facts: supply funnel
        requests,
        responses,
        eligible_impressions,
        auctions_won,
        impressions,
        error_count,
        timeout_count,

        -- facts: quality
        measurable_impressions,
        viewable_impressions,
        audible_impressions,
        invalid_impressions,

        -- facts: video
        video_impressions,
        video_starts,
        video_q25,
        video_q50,
        video_q75,
        video_q100,
        skippable_video_starts,
        skips,
        watch_seconds,

        -- facts: interaction
        clicks,
        qr_impressions,
        qr_scans,
        interactive_impressions,
        interactive_engagements,

        -- facts: cost
        spend
{%- endmacro %}

{#- The metrics, in the order of the columns. -#}
{% macro select_metrics() -%}
        -- metrics: supply funnel
        {{ metric("response_rate") }} as response_rate,
        {{ metric("eligibility_rate") }} as eligibility_rate,
        {{ metric("auction_win_rate") }} as auction_win_rate,
        {{ metric("render_rate") }} as render_rate,
        {{ metric("fill_rate") }} as fill_rate,
        {{ metric("supply_funnel_efficiency") }} as supply_funnel_efficiency,
        {{ metric("error_rate") }} as error_rate,
        {{ metric("timeout_rate") }} as timeout_rate,

        -- metrics: quality
        {{ metric("measurable_rate") }} as measurable_rate,
        {{ metric("viewability_rate") }} as viewability_rate,
        {{ metric("audibility_rate") }} as audibility_rate,
        {{ metric("invalid_traffic_rate") }} as invalid_traffic_rate,

        -- metrics: video
        {{ metric("video_start_rate") }} as video_start_rate,
        {{ metric("q25_rate") }} as q25_rate,
        {{ metric("q50_rate") }} as q50_rate,
        {{ metric("q75_rate") }} as q75_rate,
        {{ metric("video_completion_rate") }} as video_completion_rate,
        {{ metric("vcr_impressions") }} as vcr_impressions,
        {{ metric("video_skip_rate") }} as video_skip_rate,
        {{ metric("avg_watch_time_seconds") }} as avg_watch_time_seconds,

        -- metrics: interaction
        {{ metric("ctr") }} as ctr,
        {{ metric("qr_scan_rate") }} as qr_scan_rate,
        {{ metric("interactive_rate") }} as interactive_rate,

        -- metrics: cost
        {{ metric("effective_cpm") }} as effective_cpm,
        {{ metric("vcpm") }} as vcpm,
        {{ metric("cpc") }} as cpc,
        {{ metric("cpcv") }} as cpcv
{%- endmacro %}

{#-
    Numerator and denominator of each metric of delivery. A coarser grain sums the facts and asks
    for the same metric again: always a ratio of sums, never an average of ratios.
-#}
{% macro metric_formulas() %}
    {{ return({
        "response_rate": ("responses", "requests"),
        "eligibility_rate": ("eligible_impressions", "responses"),
        "auction_win_rate": ("auctions_won", "eligible_impressions"),
        "render_rate": ("impressions", "auctions_won"),
        "fill_rate": ("impressions", "requests"),
        "supply_funnel_efficiency": ("eligible_impressions", "requests"),
        "error_rate": ("error_count", "requests"),
        "timeout_rate": ("timeout_count", "requests"),
        "measurable_rate": ("measurable_impressions", "impressions"),
        "viewability_rate": ("viewable_impressions", "measurable_impressions"),
        "audibility_rate": ("audible_impressions", "measurable_impressions"),
        "invalid_traffic_rate": ("invalid_impressions", "(impressions + invalid_impressions)"),
        "video_start_rate": ("video_starts", "video_impressions"),
        "q25_rate": ("video_q25", "video_starts"),
        "q50_rate": ("video_q50", "video_starts"),
        "q75_rate": ("video_q75", "video_starts"),
        "video_completion_rate": ("video_q100", "video_starts"),
        "vcr_impressions": ("video_q100", "video_impressions"),
        "video_skip_rate": ("skips", "skippable_video_starts"),
        "avg_watch_time_seconds": ("watch_seconds", "video_starts"),
        "ctr": ("clicks", "impressions"),
        "qr_scan_rate": ("qr_scans", "qr_impressions"),
        "interactive_rate": ("interactive_engagements", "interactive_impressions"),
        "effective_cpm": ("1000 * cast(spend as " ~ type_double() ~ ")", "impressions"),
        "vcpm": ("1000 * cast(spend as " ~ type_double() ~ ")", "viewable_impressions"),
        "cpc": ("spend", "clicks"),
        "cpcv": ("spend", "video_q100"),
    }) }}
{% endmacro %}

{#-
    The metrics of conversions, pacing, reach and audience.
-#}
{% macro further_formulas() %}
    {{ return({
        "cpa": ("spend", "conversions"),
        "roas": ("conversions_value", "spend"),
        "conversion_rate": ("conversions", "impressions"),
        "click_conversion_rate": ("post_click_conversions", "clicks"),
        "post_click_share": ("post_click_conversions", "conversions"),
        "post_view_share": ("post_view_conversions", "conversions"),
        "pacing_index": ("100 * cast(spend_to_date as " ~ type_double() ~ ")", "expected_spend_to_date"),
        "daily_pacing_index": ("100 * cast(spend as " ~ type_double() ~ ")", "expected_spend"),
        "budget_spent_pct": ("100 * cast(spend_to_date as " ~ type_double() ~ ")", "budget_total"),
        "goal_delivered_pct": ("100 * cast(impressions_to_date as " ~ type_double() ~ ")", "goal_impressions"),
        "frequency": ("impressions", "reach"),
        "impression_share": ("impressions", "day_impressions"),
        "audience_index": ("100 * cast(impression_share as " ~ type_double() ~ ")", "population_share"),
        "segment_ctr": ("clicks", "impressions"),
    }) }}
{% endmacro %}
