with flights as (

    select * from {{ ref('stg_ads__flights') }}

),

-- 2^13 days are 22 years: more than any set of flights lasts
numbers as (

    {{ dbt.generate_series(8192) }}

),

-- with the day before and the day after, which some clocks show in the first and last UTC hours
span as (

    select
        {{ start_of('year', dbt.dateadd('day', -1, 'min(start_date)')) }} as first_date,
        {{ start_of('year', dbt.dateadd('day', 1, 'max(end_date)')) }} as last_year
    from flights

),

numbered as (

    select
        span.first_date,
        cast(numbers.generated_number - 1 as integer) as day_number,
        cast({{ dbt.dateadd('year', 1, 'span.last_year') }} as date) as end_date
    from span
    cross join numbers

),

every_day as (

    select
        cast({{ dbt.dateadd('day', 'day_number', 'first_date') }} as date) as date_day,
        end_date
    from numbered

),

days as (

    select date_day
    from every_day
    where date_day < end_date

),

final as (

    select
        -- identifiers
        date_day,

        -- dimensions
        {{ iso_day_of_week('date_day') }} as day_of_week,
        case {{ iso_day_of_week('date_day') }}
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            else 'Sunday'
        end as day_name,
        {{ iso_day_of_week('date_day') }} >= 6 as is_weekend,
        {{ start_of('week', 'date_day') }} as week_start_date,
        cast(extract(week from date_day) as integer) as iso_week,
        {{ start_of('month', 'date_day') }} as month_start_date,
        cast(extract(month from date_day) as integer) as month_of_year,
        {{ start_of('quarter', 'date_day') }} as quarter_start_date,
        cast(extract(quarter from date_day) as integer) as quarter_of_year,
        cast(extract(year from date_day) as integer) as calendar_year

    from days

)

select * from final
