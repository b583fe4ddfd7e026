with campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and buy_type = 'PRIVATE_AUCTION'

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

inventory as (

    select * from {{ ref('stg_ads__inventory_hourly') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and booked_share > 0
        and price_index > 0

),

days as (

    select
        country,
        device,
        {{ dbt.date_trunc('month', 'hour_ts') }} as month_start,
        cast(hour_ts as date) as activity_date,
        avg(ln(price_index)) as log_price,
        ln(avg(booked_share)) as log_fill
    from inventory
    group by
        country,
        device,
        {{ dbt.date_trunc('month', 'hour_ts') }},
        cast(hour_ts as date)

),

-- seasons of demand and price are those of months
days_in_month as (

    select
        log_price - avg(log_price) over (partition by country, device, month_start) as log_price,
        log_fill - avg(log_fill) over (partition by country, device, month_start) as log_fill
    from days

),

price_on_fill as (

    select
        'price_on_fill' as shape_id,
        {{ safe_divide('sum(log_price * log_fill)', 'sum(log_fill * log_fill)') }}
            as measured_value
    from days_in_month

),

bids as (

    select
        line_items.line_item_id,
        line_items.currency_code,
        ln(line_items.bid_cpm) as log_bid,
        {{ safe_divide('sum(performance.auctions_won)', 'sum(performance.eligible_impressions)') }}
            as win_rate
    from line_items
    inner join campaigns
        on line_items.campaign_id = campaigns.campaign_id
    inner join performance
        on line_items.line_item_id = performance.line_item_id
    group by line_items.line_item_id, line_items.currency_code, line_items.bid_cpm
    having sum(performance.impressions) >= 10000

),

-- like with like: bids in one currency are bids in one market, but for the euro
bids_in_currency as (

    select
        win_rate,
        log_bid - avg(log_bid) over (partition by currency_code) as log_bid,
        count(*) over (partition by currency_code) as line_items
    from bids

),

win_rate_on_bid as (

    select
        'win_rate_on_bid' as shape_id,
        case
            when count(*) >= 30
                then {{ safe_divide(
                    'avg(win_rate * log_bid) - avg(win_rate) * avg(log_bid)',
                    'stddev_pop(win_rate) * stddev_pop(log_bid)',
                ) }}
        end as measured_value
    from bids_in_currency
    where line_items >= 3

),

measured as (

    select * from price_on_fill
    union all
    select * from win_rate_on_bid

),

final as (

    select
        -- identifiers
        shape_id,

        -- facts
        {{ to_nine_decimals('measured_value') }} as measured_value

    from measured

)

select * from final
