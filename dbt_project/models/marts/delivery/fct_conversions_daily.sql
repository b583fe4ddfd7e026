with conversions as (

    select * from {{ ref('stg_ads__conversions_daily') }}

),

performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

-- Costs of campaigns that count nothing would be divided by the conversions of others.
counting as (

    select distinct campaign_id
    from conversions

),

delivered as (

    select
        performance.creative_id,
        performance.line_item_id,
        performance.campaign_id,
        performance.device,
        performance.activity_date,
        performance.impressions,
        performance.clicks,
        performance.spend,
        0 as post_click_conversions,
        0 as post_view_conversions,
        cast(0 as decimal(18, 6)) as conversions_value
    from performance
    inner join counting
        on performance.campaign_id = counting.campaign_id

),

counted as (

    select
        creative_id,
        line_item_id,
        campaign_id,
        device,
        activity_date,
        0 as impressions,
        0 as clicks,
        cast(0 as decimal(18, 6)) as spend,
        case when touch_type = 'POST_CLICK' then conversions else 0 end as post_click_conversions,
        case when touch_type = 'POST_VIEW' then conversions else 0 end as post_view_conversions,
        {{ micros_to_currency('value_micros') }} as conversions_value
    from conversions

),

together as (

    select * from delivered
    union all
    select * from counted

),

totals as (

    select
        creative_id,
        line_item_id,
        campaign_id,
        device,
        activity_date,
        {{ total("impressions") }} as impressions,
        {{ total("clicks") }} as clicks,
        {{ total_spend() }} as spend,
        {{ total("post_click_conversions + post_view_conversions") }} as conversions,
        {{ total("post_click_conversions") }} as post_click_conversions,
        {{ total("post_view_conversions") }} as post_view_conversions,
        {{ total_spend("conversions_value") }} as conversions_value
    from together
    group by creative_id, line_item_id, campaign_id, device, activity_date

),

final as (

    select
        -- identifiers
        totals.creative_id,
        totals.line_item_id,
        totals.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        totals.device,
        campaigns.currency_code,
        totals.activity_date,
        {{ start_of('week', 'totals.activity_date') }} as week_start_date,
        {{ start_of('month', 'totals.activity_date') }} as month_start_date,

        -- facts
        totals.impressions,
        totals.clicks,
        totals.spend,
        totals.conversions,
        totals.post_click_conversions,
        totals.post_view_conversions,
        totals.conversions_value,

        -- metrics
        {{ metric('cpa') }} as cpa,
        {{ metric('roas') }} as roas,
        {{ metric('conversion_rate') }} as conversion_rate,
        {{ metric('click_conversion_rate') }} as click_conversion_rate,
        {{ metric('post_click_share') }} as post_click_share,
        {{ metric('post_view_share') }} as post_view_share

    from totals
    inner join campaigns
        on totals.campaign_id = campaigns.campaign_id

)

select * from final
