with source as (

    select * from {{ source('ads', 'line_items') }}

),

final as (

    select
        -- identifiers
        line_item_id,
        campaign_id,

        -- dimensions
        name as line_item_name,
        status,
        ad_format,
        pacing,
        ad_server_type,
        verification_vendor,
        geo_tier,
        targeting,

        -- facts
        bid_cpm_micros,
        budget_share,
        pacing_pct

    from source

)

select * from final
