with source as (

    select * from {{ source('ads', 'runs') }}

),

final as (

    select
        -- identifiers
        run_id,

        -- dimensions
        workflow,
        as_of_date,
        life,
        overrides,

        -- facts
        seed,
        market_campaigns,
        log_share,
        log_missing_ids,

        -- metadata
        generator_version

    from source

)

select * from final
