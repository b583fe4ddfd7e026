with inventory as (

    select * from {{ ref('stg_ads__inventory_hourly') }}

),

markets as (

    select * from {{ ref('platform_markets') }}

),

local_time as (

    select
        inventory.country,
        inventory.device,
        inventory.ad_opportunities,
        {{ dbt.dateadd('hour', 'markets.utc_offset_hours', 'inventory.hour_ts') }} as local_ts
    from inventory
    inner join markets
        on
            inventory.platform = markets.platform
            and inventory.country = markets.country
    where inventory.platform = '{{ var("scorecard_platform") }}'

),

final as (

    select
        -- dimensions
        country,
        device,
        cast(local_ts as date) as local_date,
        cast(extract(hour from local_ts) as integer) as local_hour,

        -- facts
        ad_opportunities

    from local_time

)

select * from final
