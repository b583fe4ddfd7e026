with source as (

    select * from {{ source('ads', 'advertisers') }}

),

final as (

    select
        -- identifiers
        advertiser_id,

        -- dimensions
        name as advertiser_name,
        brand as brand_name,
        industry,
        contact_email,
        agency_name,
        currency_code,
        time_zone,
        status,

        -- metadata
        created_at,
        updated_at

    from source

)

select * from final
