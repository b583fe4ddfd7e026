with auctions as (

    select * from {{ ref('dim_campaigns') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and buy_type = 'PRIVATE_AUCTION'

),

inventory as (

    select * from {{ ref('stg_ads__inventory_hourly') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and price_index > 0

),

campaign_hours as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

-- each month of the year, with countries and devices that count alike in all of them
levels as (

    select
        country,
        device,
        cast(extract(month from hour_ts) as integer) as month_of_year,
        sum(ad_opportunities) as ad_opportunities,
        avg(ln(price_index)) as log_price
    from inventory
    group by country, device, cast(extract(month from hour_ts) as integer)

),

months as (

    select
        month_of_year,
        sum(ad_opportunities) as impressions,
        avg(log_price) as log_price
    from levels
    group by month_of_year

),

season as (

    select
        'cpm_dec_over_jan' as benchmark_id,
        case
            when count(*) = 12
                then exp(
                    max(case when month_of_year = 12 then log_price end)
                    - max(case when month_of_year = 1 then log_price end)
                )
        end as measured_value,
        {{ total('impressions') }} as impressions
    from months

),

quarters as (

    select
        first_month.impressions + third_month.impressions as impressions,
        third_month.log_price - first_month.log_price as rise
    from months as first_month
    inner join months as third_month
        on first_month.month_of_year + 2 = third_month.month_of_year
    where first_month.month_of_year in (1, 4, 7, 10)

),

sawtooth as (

    select
        'cpm_quarter_sawtooth' as benchmark_id,
        exp(min(rise)) - 1 as measured_value,
        {{ total('impressions') }} as impressions
    from quarters

),

hourly_prices as (

    select
        campaign_hours.campaign_id,
        campaign_hours.impressions,
        ln(campaign_hours.effective_cpm) as log_price
    from campaign_hours
    inner join auctions
        on campaign_hours.campaign_id = auctions.campaign_id
    where campaign_hours.impressions > 0

),

campaign_spreads as (

    select
        sum(impressions) as impressions,
        count(*) - 1 as freedom,
        var_samp(log_price) as variance
    from hourly_prices
    group by campaign_id
    having count(*) > 1

),

spread as (

    select
        'win_price_log_sd' as benchmark_id,
        sqrt({{ safe_divide('sum(freedom * variance)', 'sum(freedom)') }}) as measured_value,
        {{ total('impressions') }} as impressions
    from campaign_spreads

),

measured as (

    select * from season
    union all
    select * from sawtooth
    union all
    select * from spread

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
