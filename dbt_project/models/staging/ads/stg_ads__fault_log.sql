with source as (

    select * from {{ source('ads', 'fault_log') }}

),

final as (

    select
        -- identifiers
        fault,
        campaign_id,

        -- dimensions
        cast(fault_type as {{ dbt.type_string() }}) as fault_type,
        affected_table,
        activity_date,
        from_ts,
        to_ts,

        -- facts
        rows_touched,

        -- metadata
        keys

    from source

)

select * from final
