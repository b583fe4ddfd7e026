with inventory as (

    select * from {{ ref('stg_ads__inventory_hourly') }}

),

totals as (

    select
        platform,
        country,
        device,
        cast(hour_ts as date) as activity_date,
        {{ total('ad_opportunities') }} as ad_opportunities,
        sum(ad_opportunities * price_index) as priced_opportunities,
        sum(ad_opportunities * booked_share) as booked_opportunities,
        sum(case when booked_share is not null then ad_opportunities end) as bookable_opportunities
    from inventory
    group by platform, country, device, cast(hour_ts as date)

),

final as (

    select
        -- dimensions
        platform,
        country,
        device,
        activity_date,

        -- facts
        ad_opportunities,

        -- metrics
        {{ safe_divide('booked_opportunities', 'bookable_opportunities') }} as booked_share,
        {{ safe_divide('priced_opportunities', 'ad_opportunities') }} as price_index

    from totals

)

select * from final
