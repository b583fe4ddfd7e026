with advertisers as (

    select * from {{ ref('stg_ads__advertisers') }}

),

final as (

    select
        -- identifiers
        advertiser_id,

        -- dimensions
        advertiser_name,
        brand_name,
        industry,
        agency_name,
        contact_email,
        currency_code,
        time_zone,
        status,

        -- metadata
        created_at,
        updated_at

    from advertisers

)

select * from final
