with source as (

    select * from {{ source('truth', 'conversion_causes') }}

),

final as (

    select
        -- identifiers
        conversion_id,
        campaign_id,
        impression_id,

        -- dimensions
        cast(cause as {{ dbt.type_string() }}) as cause,
        without_ads_ts

    from source

)

select * from final
