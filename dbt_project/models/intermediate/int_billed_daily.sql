with performance as (

    select * from {{ ref('fct_creative_performance_daily') }}

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

priced as (

    select
        performance.campaign_id,
        performance.activity_date,
        performance.impressions,
        case
            when campaigns.buy_type = 'PRIVATE_AUCTION' then performance.impressions
            else
                least(
                    performance.impressions,
                    1000 * {{ safe_divide(
                        'performance.spend', 'least(campaigns.target_cpm, line_items.bid_cpm)',
                    ) }}
                )
        end as billed_impressions
    from performance
    inner join line_items
        on performance.line_item_id = line_items.line_item_id
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        activity_date,

        -- facts
        cast(round(sum(billed_impressions)) as bigint) as billed_impressions

    from priced
    group by campaign_id, activity_date

)

select * from final
