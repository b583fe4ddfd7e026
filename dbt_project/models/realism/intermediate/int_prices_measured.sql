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
        device_days.campaign_id,
        device_days.device,
        device_days.month_start_date,
        cast(extract(month from device_days.month_start_date) as integer) as month_of_year,
        {{ total('impressions') }} as impressions,
        {{ total_spend() }} as spend
    from device_days
    inner join auctions
        on device_days.campaign_id = auctions.campaign_id
    group by device_days.campaign_id, device_days.device, device_days.month_start_date
    having sum(device_days.impressions) > 0

),

prices as (

    select
        *,
        ln({{ metric('effective_cpm') }}) as log_price
    from months

),

-- like with like: the same campaign on the same device in two months that follow each other
pairs as (

    select
        earlier.month_of_year as from_month,
        earlier.impressions + later.impressions as impressions,
        least(earlier.impressions, later.impressions) as weight,
        later.log_price - earlier.log_price as rise
    from prices as earlier
    inner join prices as later
        on
            earlier.campaign_id = later.campaign_id
            and earlier.device = later.device
            and earlier.month_of_year + 1 = later.month_of_year
            and {{ dbt.dateadd('month', 1, 'earlier.month_start_date') }}
            = later.month_start_date

),

steps as (

    select
        from_month,
        sum(impressions) as impressions,
        {{ safe_divide('sum(weight * rise)', 'sum(weight)') }} as rise
    from pairs
    group by from_month

),

season as (

    select
        'cpm_dec_over_jan' as benchmark_id,
        case when count(*) = 11 then exp(sum(rise)) end as measured_value,
        {{ total('impressions') }} as impressions
    from steps

),

quarters as (

    select
        first_step.impressions + second_step.impressions as impressions,
        first_step.rise + second_step.rise as rise
    from steps as first_step
    inner join steps as second_step
        on first_step.from_month + 1 = second_step.from_month
    where first_step.from_month in (1, 4, 7, 10)

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
