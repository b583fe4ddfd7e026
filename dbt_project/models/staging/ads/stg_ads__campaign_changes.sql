with source as (

    select * from {{ source('ads', 'campaign_changes') }}

),

final as (

    select
        -- identifiers
        change_id,
        campaign_id,
        entity_id,

        -- dimensions
        cast(entity_type as {{ dbt.type_string() }}) as entity_type,
        field,
        old_value,
        new_value,
        cast(reason as {{ dbt.type_string() }}) as reason,

        -- metadata
        changed_at

    from source

)

select * from final
