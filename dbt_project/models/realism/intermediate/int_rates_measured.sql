{#- Benchmarks that are a metric on a part of the delivery: benchmark, metric, part. -#}
{% set metrics_of_parts = [
    ("vcr_ctv", "video_completion_rate", "device = 'CTV'"),
    ("vcr_tablet", "video_completion_rate", "device = 'TABLET'"),
    ("vcr_mobile", "video_completion_rate", "device = 'MOBILE'"),
    ("vcr_desktop", "video_completion_rate", "device = 'DESKTOP'"),
    ("vcr_mid_roll", "video_completion_rate", "placement = 'MID_ROLL'"),
    ("vcr_pre_roll", "video_completion_rate", "placement = 'PRE_ROLL'"),
    ("ctr_ctv", "ctr", "device = 'CTV'"),
    ("ctr_mobile", "ctr", "device = 'MOBILE'"),
    ("ctr_tablet", "ctr", "device = 'TABLET'"),
    ("ctr_desktop", "ctr", "device = 'DESKTOP'"),
    ("qr_scan_rate", "qr_scan_rate", "device = 'CTV' and qr_impressions > 0"),
    ("interactive_ctv", "interactive_rate", "device = 'CTV' and interactive_impressions > 0"),
    ("interactive_other", "interactive_rate", "device <> 'CTV' and interactive_impressions > 0"),
    ("viewability_ctv", "viewability_rate", "device = 'CTV'"),
    ("viewability_mobile", "viewability_rate", "device in ('MOBILE', 'TABLET')"),
    ("viewability_desktop", "viewability_rate", "device = 'DESKTOP'"),
    ("audibility_ctv", "audibility_rate", "device = 'CTV'"),
    ("invalid_traffic_first_party", "invalid_traffic_rate", "true"),
    ("win_rate_bounds", "auction_win_rate", "true"),
    ("cpm_netflix", "effective_cpm", "currency_code = 'USD'"),
] %}
{#- What viewers who did not complete had left by then. -#}
{% set abandonment = [
    ("abandon_by_q25", "video_q25"),
    ("abandon_by_q50", "video_q50"),
    ("abandon_by_q75", "video_q75"),
] %}
{% set devices = ["CTV", "TABLET", "MOBILE", "DESKTOP"] %}

with delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

videos as (

    select * from delivery
    where placement <> 'PAUSE'

),

metrics_of_parts as (

    {% for benchmark_id, name, part in metrics_of_parts -%}
        select
            '{{ benchmark_id }}' as benchmark_id,
            {{ metric(name) }} as measured_value,
            impressions
        from ({{ delivery_totals("delivery", part) }}) as of_part
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

abandonment as (

    {% for benchmark_id, quartile in abandonment -%}
        select
            '{{ benchmark_id }}' as benchmark_id,
            {{ safe_divide("video_starts - " ~ quartile, "video_starts - video_q100") }}
                as measured_value,
            impressions
        from ({{ delivery_totals("videos", "true") }}) as of_all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

completion_of_devices as (

    select
        {% for device in devices -%}
            max(case when device = '{{ device }}' then completion_rate end) as {{ device | lower }},
        {% endfor -%}
        {{ total('impressions') }} as impressions
    from (
        select
            device,
            {{ total('impressions') }} as impressions,
            {{ safe_divide('sum(video_q100)', 'sum(video_starts)') }} as completion_rate
        from videos
        group by device
    ) as of_device

),

device_order as (

    select
        'vcr_device_order' as benchmark_id,
        case
            when ctv + tablet + mobile + desktop is not null
                then least(ctv - tablet, tablet - greatest(mobile, desktop))
        end as measured_value,
        impressions
    from completion_of_devices

),

-- the same device and length, before the programme and in it
both_placements as (

    select
        device,
        duration_seconds,
        {{ total('impressions') }} as impressions,
        {{ total('video_starts') }} as video_starts,
        {{ safe_divide(
            "sum(case when placement = 'PRE_ROLL' then video_q100 end)",
            "sum(case when placement = 'PRE_ROLL' then video_starts end)",
        ) }} as pre_roll,
        {{ safe_divide(
            "sum(case when placement = 'MID_ROLL' then video_q100 end)",
            "sum(case when placement = 'MID_ROLL' then video_starts end)",
        ) }} as mid_roll
    from videos
    where placement in ('PRE_ROLL', 'MID_ROLL')
    group by device, duration_seconds

),

mid_over_pre as (

    select
        'vcr_mid_over_pre' as benchmark_id,
        {{ safe_divide('sum(video_starts * mid_roll)', 'sum(video_starts * pre_roll)') }}
            as measured_value,
        {{ total('impressions') }} as impressions
    from both_placements
    where pre_roll is not null and mid_roll is not null

),

-- by how much completion changes with each doubling of the length, on a device and in a placement
lengths as (

    select
        device,
        placement,
        ln(duration_seconds) as log_length,
        {{ total('impressions') }} as impressions,
        cast(sum(video_starts) as {{ type_double() }}) as weight,
        {{ safe_divide('sum(video_q100)', 'sum(video_starts)') }} as completion_rate
    from videos
    where not is_skippable
    group by device, placement, duration_seconds
    having sum(video_starts) > 0

),

centred as (

    select
        *,
        log_length - {{ safe_divide(
            'sum(weight * log_length) over of_part', 'sum(weight) over of_part',
        ) }} as length_from_mean,
        count(*) over of_part as lengths
    from lengths
    window of_part as (partition by device, placement)

),

-- one slope within devices and placements: single campaigns stand out in those with few of them
length_order as (

    select
        'vcr_length_within_device' as benchmark_id,
        -ln(2) * {{ safe_divide(
            'sum(weight * length_from_mean * completion_rate)',
            'sum(weight * length_from_mean * length_from_mean)',
        ) }} as measured_value,
        {{ total('impressions') }} as impressions
    from centred
    where lengths > 1

),

device_mix as (

    select
        'device_mix_' || lower(device) as benchmark_id,
        {{ safe_divide('sum(impressions)', 'sum(sum(impressions)) over ()') }} as measured_value,
        {{ total('impressions') }} as impressions
    from delivery
    where not is_device_targeted
    group by device

),

-- clicks of a campaign on a device, where there are enough to rise above chance
click_rates as (

    select
        campaign_id,
        device,
        {{ total('impressions') }} as impressions,
        ln({{ safe_divide('sum(clicks)', 'sum(impressions)') }}) as log_ctr,
        {{ safe_divide('1', 'sum(clicks)') }} as chance_variance
    from delivery
    group by campaign_id, device
    having sum(clicks) >= 100

),

spread_of_devices as (

    select
        device,
        sum(impressions) as impressions,
        count(*) - 1 as freedom,
        var_samp(log_ctr) - avg(chance_variance) as variance
    from click_rates
    group by device
    having count(*) > 1

),

click_spread as (

    select
        'ctr_campaign_log_sd' as benchmark_id,
        case
            when count(*) > 0
                then sqrt(
                    greatest({{ safe_divide('sum(freedom * variance)', 'sum(freedom)') }}, 0)
                )
        end as measured_value,
        {{ total('impressions') }} as impressions
    from spread_of_devices

),

measured as (

    select * from metrics_of_parts
    union all
    select * from abandonment
    union all
    select * from device_order
    union all
    select * from mid_over_pre
    union all
    select * from length_order
    union all
    select * from device_mix
    union all
    select * from click_spread

),

final as (

    select
        -- identifiers
        benchmark_id,

        -- facts
        impressions,
        {{ to_nine_decimals('measured_value') }} as measured_value

    from measured

)

select * from final
