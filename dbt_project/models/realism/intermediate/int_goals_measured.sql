with delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

pacing as (

    select * from {{ ref('fct_campaign_pacing_daily') }}

),

changes as (

    select * from {{ ref('stg_ads__campaign_changes') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

reported as (

    select max(as_of_date) as as_of_date
    from runs

),

-- guaranteed line items that are over: what was delivered of what the budget buys
goals as (

    select
        line_items.line_item_id,
        {{ safe_divide(
            'sum(cast(delivery.impressions as ' ~ type_double() ~ '))',
            "max(1000 * line_items.budget_share * campaigns.budget_amount"
            ~ " * case when campaigns.budget_type = 'DAILY' then campaigns.flight_days else 1 end"
            ~ " / least(campaigns.target_cpm, line_items.bid_cpm))",
        ) }} as part_of_goal
    from delivery
    inner join line_items
        on delivery.line_item_id = line_items.line_item_id
    inner join campaigns
        on delivery.campaign_id = campaigns.campaign_id
    cross join reported
    where
        campaigns.buy_type <> 'PRIVATE_AUCTION'
        and campaigns.last_flight_date < reported.as_of_date
    group by line_items.line_item_id

),

ends as (

    select
        'delivered_past_the_goal' as shape_id,
        avg(case when part_of_goal > 1.01 then 1e0 else 0e0 end) as measured_value
    from goals
    having count(*) >= 30

    union all

    select
        'delivered_short_of_the_goal' as shape_id,
        avg(case when part_of_goal < 0.95 then 1e0 else 0e0 end) as measured_value
    from goals
    having count(*) >= 30

),

half_way as (

    select
        pacing.campaign_id,
        pacing.pacing_index,
        row_number() over (order by pacing.pacing_index) as position_from_below,
        count(*) over () as campaigns
    from pacing
    inner join campaigns
        on pacing.campaign_id = campaigns.campaign_id
    where
        pacing.budget_type = 'LIFETIME'
        and campaigns.flights = 1
        and pacing.flight_days >= 14
        and 2 * pacing.flight_day >= pacing.flight_days
        and 2 * pacing.flight_day < pacing.flight_days + 2

),

pacing_half_way as (

    select
        'pacing_apart_half_way' as shape_id,
        case
            when count(*) >= 30
                then
                    max(case when 10 * position_from_below <= 9 * campaigns then pacing_index end)
                    - max(case when 10 * position_from_below <= campaigns then pacing_index end)
        end as measured_value
    from half_way

),

idle_campaigns as (

    select
        pacing.campaign_id,
        max(case when pacing.impressions = 0 then 1e0 else 0e0 end) as is_idle
    from pacing
    inner join campaigns
        on pacing.campaign_id = campaigns.campaign_id
    group by pacing.campaign_id

),

changed_campaigns as (

    select distinct campaign_id
    from changes

),

lives as (

    select
        'campaigns_with_a_day_without_delivery' as shape_id,
        avg(is_idle) as measured_value
    from idle_campaigns

    union all

    select
        'campaigns_that_were_changed' as shape_id,
        avg(case when changed_campaigns.campaign_id is not null then 1e0 else 0e0 end)
            as measured_value
    from campaigns
    left join changed_campaigns
        on campaigns.campaign_id = changed_campaigns.campaign_id

    union all

    select
        'campaigns_with_several_flights' as shape_id,
        avg(case when flights > 1 then 1e0 else 0e0 end) as measured_value
    from campaigns

),

measured as (

    select * from lives
    union all
    select * from ends
    union all
    select * from pacing_half_way

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
