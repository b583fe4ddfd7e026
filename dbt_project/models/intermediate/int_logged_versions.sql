with changes as (

    select * from {{ ref('stg_ads__campaign_changes') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by entity_type, entity_id, field
            order by changed_at, change_id
        ) as change_number
    from changes

),

final as (

    select
        -- identifiers
        entity_type,
        entity_id,
        field,
        1 as version_number,

        -- dimensions
        old_value as value_text,
        cast(null as {{ dbt.type_string() }}) as reason,

        -- metadata
        cast(null as timestamp) as valid_from

    from numbered
    where change_number = 1

    union all

    select
        entity_type,
        entity_id,
        field,
        cast(change_number + 1 as integer) as version_number,
        new_value as value_text,
        reason,
        changed_at as valid_from
    from numbered

)

select * from final
