with impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

households as (

    select * from {{ ref('stg_ads__households') }}

),

prices as (

    select * from {{ ref('stg_ads__prices_weekly') }}

),

holidays as (

    select
        platform,
        country,
        {{ start_of('week', 'holiday_date') }} as week_start_date,
        count(*) as holiday_days
    from {{ ref('stg_ads__holidays') }}
    group by
        platform,
        country,
        {{ start_of('week', 'holiday_date') }}

),

-- The media of a week. A household counts once in each channel.
media as (

    select
        impressions.advertiser_id,
        impressions.currency_code,
        impressions.platform,
        impressions.device,
        households.country,
        coalesce(households.region, '') as region_code,
        {{ start_of('week', 'impressions.activity_date') }} as week_start_date,
        count(*) as impressions,
        count(distinct impressions.household_id) as reach,
        cast(sum(impressions.spend) as decimal(18, 6)) as spend
    from impressions
    inner join households
        on impressions.household_id = households.household_id
    group by
        impressions.advertiser_id,
        impressions.currency_code,
        impressions.platform,
        impressions.device,
        households.country,
        coalesce(households.region, ''),
        {{ start_of('week', 'impressions.activity_date') }}

),

outcomes as (

    select
        conversions.advertiser_id,
        households.country,
        coalesce(households.region, '') as region_code,
        {{ start_of('week', 'conversions.activity_date') }} as week_start_date,
        count(*) as conversions,
        cast(sum(conversions.conversion_value) as decimal(18, 6)) as conversions_value
    from conversions
    inner join households
        on conversions.household_id = households.household_id
    group by
        conversions.advertiser_id,
        households.country,
        coalesce(households.region, ''),
        {{ start_of('week', 'conversions.activity_date') }}

),

weeks as (

    select distinct
        advertiser_id,
        week_start_date
    from media
    union
    select distinct
        advertiser_id,
        week_start_date
    from outcomes

),

channels as (

    select distinct
        advertiser_id,
        currency_code,
        platform,
        device,
        country,
        region_code
    from media

),

final as (

    select
        -- identifiers
        channels.advertiser_id,

        -- dimensions
        weeks.week_start_date,
        channels.platform,
        channels.device,
        channels.country,
        channels.region_code,
        channels.currency_code,

        -- facts
        cast(coalesce(media.spend, 0) as decimal(18, 6)) as spend,
        coalesce(media.impressions, 0) as impressions,
        coalesce(media.reach, 0) as reach,
        coalesce(outcomes.conversions, 0) as region_conversions,
        coalesce(outcomes.conversions_value, 0) as region_conversions_value,
        coalesce(holidays.holiday_days, 0) as holiday_days,

        -- metrics
        prices.price_index,
        prices.discount as promotion_discount

    from channels
    inner join weeks
        on channels.advertiser_id = weeks.advertiser_id
    left join media
        on
            channels.advertiser_id = media.advertiser_id
            and channels.currency_code = media.currency_code
            and channels.platform = media.platform
            and channels.device = media.device
            and channels.country = media.country
            and channels.region_code = media.region_code
            and weeks.week_start_date = media.week_start_date
    left join outcomes
        on
            channels.advertiser_id = outcomes.advertiser_id
            and channels.country = outcomes.country
            and channels.region_code = outcomes.region_code
            and weeks.week_start_date = outcomes.week_start_date
    left join prices
        on
            channels.advertiser_id = prices.advertiser_id
            and channels.platform = prices.platform
            and weeks.week_start_date = prices.week_start_date
    left join holidays
        on
            channels.platform = holidays.platform
            and channels.country = holidays.country
            and weeks.week_start_date = holidays.week_start_date

)

select * from final
