with source as (

    select * from {{ source('truth', 'creative_effects') }}

),

final as (

    select
        -- identifiers
        creative_id,
        campaign_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,

        -- facts
        relative_effect,
        chance

    from source

)

select * from final
