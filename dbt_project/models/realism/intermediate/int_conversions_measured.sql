with conversions as (

    select * from {{ ref('fct_conversions_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

totals as (

    select
        conversions.device,
        {{ total("conversions.impressions") }} as impressions,
        {{ total("conversions.clicks") }} as clicks,
        {{ total("conversions.conversions") }} as conversions,
        {{ total("conversions.post_click_conversions") }} as post_click_conversions,
        {{ total("conversions.post_view_conversions") }} as post_view_conversions
    from conversions
    inner join campaigns
        on conversions.campaign_id = campaigns.campaign_id
    group by conversions.device

),

television as (

    select * from totals
    where device = 'CTV'

),

clicked as (

    select
        {{ total("impressions") }} as impressions,
        {{ total("clicks") }} as clicks,
        {{ total("post_click_conversions") }} as post_click_conversions
    from totals

),

measured as (

    select
        'post_view_share_ctv' as benchmark_id,
        impressions,
        {{ metric('post_view_share') }} as measured_value
    from television

    union all

    select
        'click_conversion_rate' as benchmark_id,
        impressions,
        {{ metric('click_conversion_rate') }} as measured_value
    from clicked

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
