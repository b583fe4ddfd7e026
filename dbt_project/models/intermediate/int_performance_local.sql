with performance as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

advertisers as (

    select * from {{ ref('dim_advertisers') }}

),

source_days as (

    select * from {{ ref('int_source_local_days') }}
    where raw_table = 'performance_hourly'

),

placed as (

    select
        performance.*,
        advertisers.time_zone,
        {{ local_date('performance.hour_ts', 'advertisers.time_zone') }} as local_date
    from performance
    inner join advertisers
        on performance.advertiser_id = advertisers.advertiser_id

),

final as (

    select
        -- identifiers
        placed.campaign_id,
        placed.advertiser_id,

        -- dimensions
        placed.currency_code,
        placed.hour_ts,
        placed.time_zone,
        placed.local_date,

        -- facts
        {% for fact in delivery_facts() -%}
            placed.{{ fact }},
        {% endfor %}

        -- metadata
        source_days.source_digest

    from placed
    inner join source_days
        on placed.local_date = source_days.local_date

)

select * from final
