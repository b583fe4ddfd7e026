{#-
    Every derived metric as (numerator, denominator) over the additive columns of a mart: the only
    place where a formula stands. A coarser grain sums the columns and asks for the same metric again:
    a ratio is always a ratio of sums, never an average of ratios.
-#}
{% macro metric_formulas() %}
    {%- set spend = "cast(spend as " ~ type_double() ~ ")" -%}
    {{ return({
        "ctr": ("clicks", "impressions"),

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

        "qr_scan_rate": ("qr_scans", "qr_impressions"),
        "interactive_rate": ("interactive_engagements", "interactive_impressions"),

        "effective_cpm": ("1000 * " ~ spend, "impressions"),
        "vcpm": ("1000 * " ~ spend, "viewable_impressions"),
        "cpc": ("spend", "clicks"),
        "cpcv": ("spend", "video_q100"),
    }) }}
{% endmacro %}

{#- Metrics that need other columns than those of delivery: pacing, reach and audience. -#}
{% macro further_formulas() %}
    {%- set double = type_double() -%}
    {{ return({
        "pacing_index": (
            "100 * cast(spend_to_date as " ~ double ~ ")", "expected_spend_to_date"
        ),
        "daily_pacing_index": ("100 * cast(spend as " ~ double ~ ")", "expected_spend"),
        "budget_spent_pct": ("100 * cast(spend_to_date as " ~ double ~ ")", "budget_total"),

        "frequency": ("impressions", "reach"),

        "impression_share": ("impressions", "day_impressions"),
        "audience_index": ("100 * impression_share", "population_share"),
        "segment_ctr": ("clicks", "impressions"),
    }) }}
{% endmacro %}

{% macro metric(name) -%}
    {%- set formulas = metric_formulas() -%}
    {%- if name not in formulas -%}
        {%- set formulas = dict(formulas, **further_formulas()) -%}
    {%- endif -%}
    {%- if name not in formulas -%}
        {%- do exceptions.raise_compiler_error(
            "no metric is called '" ~ name ~ "'; there are " ~ formulas | sort | join(", ")
        ) -%}
    {%- endif -%}
    {%- set numerator, denominator = formulas[name] -%}
    {{- safe_divide(numerator, denominator) -}}
{%- endmacro %}
