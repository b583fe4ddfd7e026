with source_days as (

    select * from {{ ref('int_source_days') }}

),

-- Clocks are 12 hours behind UTC to 14 ahead: a local day has hours of up to three UTC days.
shifts as (

    select generated_number - 2 as days_ahead
    from ({{ dbt.generate_series(3) }}) as numbers

),

touched as (

    select
        source_days.raw_table,
        source_days.activity_date,
        source_days.source_digest,
        cast(
            {{ dbt.dateadd('day', 'shifts.days_ahead', 'source_days.activity_date') }} as date
        ) as local_date
    from source_days
    cross join shifts

),

final as (

    select
        -- identifiers
        raw_table,
        local_date,

        -- metadata
        md5({{ dbt.listagg('source_digest', "'-'", 'order by activity_date') }}) as source_digest

    from touched
    group by raw_table, local_date

)

select * from final
