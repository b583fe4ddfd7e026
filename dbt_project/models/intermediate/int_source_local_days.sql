with source_days as (

    select * from {{ ref('int_source_days') }}

),

advertisers as (

    select * from {{ ref('stg_ads__advertisers') }}

),

zones as (

    select
        coalesce(
            cast(sum({{ row_hash(['advertiser_id', 'time_zone']) }}) as {{ dbt.type_string() }}), ''
        ) as digest
    from advertisers

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

days as (

    select
        raw_table,
        local_date,
        {{ dbt.listagg('source_digest', "'-'", 'order by activity_date') }} as digest
    from touched
    group by raw_table, local_date

),

final as (

    select
        -- identifiers
        days.raw_table,
        days.local_date,

        -- metadata
        md5(days.digest || '-' || zones.digest) as source_digest

    from days
    cross join zones

)

select * from final
