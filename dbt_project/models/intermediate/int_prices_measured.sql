with auctions as (

    select * from {{ ref('dim_campaigns') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and buy_type = 'PRIVATE_AUCTION'

),

device_days as (

    select * from {{ ref('fct_device_performance_daily') }}

),

campaign_hours as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

months as (

    select
        device_days.currency_code,
        device_days.device,
        device_days.month_start_date,
        cast(extract(quarter from device_days.month_start_date) as integer) as quarter_of_year,
        cast(extract(month from device_days.month_start_date) as integer) as month_of_year,
        {{ total('impressions') }} as impressions,
        {{ total_spend() }} as spend
    from device_days
    inner join auctions
        on device_days.campaign_id = auctions.campaign_id
    group by device_days.currency_code, device_days.device, device_days.month_start_date
    having sum(device_days.impressions) > 0

),

prices as (

    select
        *,
        ln({{ metric('effective_cpm') }}) as log_price
    from months

),

-- the same currency and device in two months; what the smaller month weighs counts
january_to_december as (

    select
        january.impressions + december.impressions as impressions,
        least(january.impressions, december.impressions) as weight,
        december.log_price - january.log_price as rise
    from prices as january
    inner join prices as december
        on
            january.currency_code = december.currency_code
            and january.device = december.device
            and january.month_of_year = 1
            and december.month_of_year = 12

),

season as (

    select
        'cpm_dec_over_jan' as benchmark_id,
        exp({{ safe_divide('sum(weight * rise)', 'sum(weight)') }}) as measured_value,
        {{ total('impressions') }} as impressions
    from january_to_december

),

first_to_third_month as (

    select
        first_month.quarter_of_year,
        first_month.impressions + third_month.impressions as impressions,
        least(first_month.impressions, third_month.impressions) as weight,
        third_month.log_price - first_month.log_price as rise
    from prices as first_month
    inner join prices as third_month
        on
            first_month.currency_code = third_month.currency_code
            and first_month.device = third_month.device
            and {{ dbt.dateadd('month', 2, 'first_month.month_start_date') }}
            = third_month.month_start_date
    where first_month.month_of_year in (1, 4, 7, 10)

),

quarters as (

    select
        quarter_of_year,
        sum(impressions) as impressions,
        {{ safe_divide('sum(weight * rise)', 'sum(weight)') }} as rise
    from first_to_third_month
    group by quarter_of_year

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
        measured_value

    from measured

)

select * from final
