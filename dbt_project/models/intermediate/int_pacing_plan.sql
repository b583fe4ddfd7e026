with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

flights as (

    select * from {{ ref('stg_ads__flights') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

calendar as (

    select * from {{ ref('platform_calendar') }}

),

budget_versions as (

    select * from {{ ref('dim_budgets_history') }}

),

changes as (

    select * from {{ ref('stg_ads__campaign_changes') }}

),

extensions as (

    select
        entity_id as flight_id,
        campaign_id,
        changed_at,
        {{ holds_from_date('changed_at') }} as known_from_date
    from changes
    where entity_type = 'FLIGHT' and field = 'end_date'

),

flight_days as (

    select
        flights.campaign_id,
        flights.flight_id,
        extensions.flight_id is not null as is_extension,
        dates.date_day as activity_date,
        dates.month_of_year,
        dates.day_of_week,
        {{ dbt.datediff('flights.start_date', 'dates.date_day', 'day') }}
        + 1 as flight_day,
        {{ dbt.datediff('flights.start_date', 'flights.end_date', 'day') }}
        + 1 as flight_days
    from flights
    inner join dates
        on
            flights.start_date <= dates.date_day
            and flights.end_date >= dates.date_day
    left join extensions
        on flights.flight_id = extensions.flight_id

),

weights as (

    select
        flight_days.campaign_id,
        flight_days.flight_id,
        flight_days.is_extension,
        flight_days.activity_date,
        flight_days.flight_day,
        flight_days.flight_days,
        line_items.line_item_id,
        line_items.budget_share,
        case
            when campaigns.budget_type = 'DAILY' then 1
            when
                flight_days.activity_date < line_items.start_date
                or flight_days.activity_date > line_items.end_date
                then 0
            when line_items.pacing = 'FRONTLOADED'
                then
                    coalesce(calendar.viewing_weight, 1)
                    * exp(
                        -1 * coalesce(calendar.frontload_decay_per_flight, 0)
                        * {{ safe_divide('flight_days.flight_day - 1', 'flight_days.flight_days') }}
                    )
            else coalesce(calendar.viewing_weight, 1)
        end as weight
    from flight_days
    inner join campaigns
        on flight_days.campaign_id = campaigns.campaign_id
    inner join line_items
        on flight_days.campaign_id = line_items.campaign_id
    left join calendar
        on
            campaigns.platform = calendar.platform
            and flight_days.month_of_year = calendar.month_of_year
            and flight_days.day_of_week = calendar.day_of_week

),

flight_totals as (

    select
        *,
        sum(weight) over (partition by line_item_id, flight_id) as flight_weight
    from weights

),

day_shares as (

    select
        campaign_id,
        flight_id,
        is_extension,
        activity_date,
        flight_day,
        flight_days,
        sum(budget_share * {{ safe_divide('weight', 'flight_weight') }}) as flight_share
    from flight_totals
    group by campaign_id, flight_id, is_extension, activity_date, flight_day, flight_days

),

-- the days of extensions that are not known yet
added_later as (

    select
        day_shares.campaign_id,
        day_shares.activity_date,
        count(*) as added_days
    from day_shares
    inner join extensions
        on
            day_shares.campaign_id = extensions.campaign_id
            and day_shares.activity_date < extensions.known_from_date
    inner join flight_days
        on extensions.flight_id = flight_days.flight_id
    group by day_shares.campaign_id, day_shares.activity_date

),

budgets as (

    select
        day_shares.*,
        campaigns.budget_type,
        case when campaigns.budget_type = 'DAILY' then campaigns.flight_days else 1 end
            as windows,
        case
            when campaigns.budget_type = 'DAILY'
                then campaigns.flight_days - coalesce(added_later.added_days, 0)
            else 1
        end as known_windows,
        day_shares.flight_share
        * {{ safe_divide('day_shares.flight_days', 'campaigns.flight_days') }} as budget_part
    from day_shares
    inner join campaigns
        on day_shares.campaign_id = campaigns.campaign_id
    left join added_later
        on
            day_shares.campaign_id = added_later.campaign_id
            and day_shares.activity_date = added_later.activity_date

),

added as (

    select
        budget_versions.campaign_id,
        budget_versions.version_number,
        budget_versions.holds_from_date,
        extensions.flight_id is not null as is_extension,
        budget_versions.budget_amount - coalesce(
            lag(budget_versions.budget_amount) over (
                partition by budget_versions.campaign_id order by budget_versions.version_number
            ),
            0
        ) as amount
    from budget_versions
    left join extensions
        on
            budget_versions.campaign_id = extensions.campaign_id
            and budget_versions.valid_from = extensions.changed_at

),

-- what an extension adds to a budget is for its flight, what else a version adds for the days of
-- the other flights that it holds on; a daily budget is for all days
weighed as (

    select
        budgets.*,
        added.version_number,
        added.amount * budgets.windows as amount,
        added.amount * budgets.known_windows as known_amount,
        case
            when budgets.budget_type = 'DAILY' or budgets.is_extension = added.is_extension
                then budgets.budget_part
            else 0
        end as part
    from budgets
    inner join added
        on
            budgets.campaign_id = added.campaign_id
            and (added.version_number = 1 or budgets.activity_date >= added.holds_from_date)

),

parts as (

    select
        *,
        {{ safe_divide('part', 'sum(part) over (partition by campaign_id, version_number)') }}
            as part_of_amount
    from weighed

),

known as (

    select
        campaign_id,
        flight_id,
        activity_date,
        budget_type,
        flight_day,
        flight_days,
        sum(known_amount) as budget_total,
        sum(amount * part_of_amount) as planned_spend
    from parts
    group by campaign_id, flight_id, activity_date, budget_type, flight_day, flight_days

),

to_date as (

    select
        *,
        -- parts of a budget add up to a hair more or less than 1
        least(
            cast(
                sum(planned_spend) over (
                    partition by campaign_id
                    order by activity_date
                    rows between unbounded preceding and current row
                ) as decimal(18, 6)
            ),
            cast(budget_total as decimal(18, 6))
        ) as expected_spend_to_date
    from known

),

final as (

    select
        -- identifiers
        campaign_id,
        flight_id,

        -- dimensions
        activity_date,
        budget_type,
        cast(flight_day as integer) as flight_day,
        cast(flight_days as integer) as flight_days,

        -- facts
        cast(budget_total as decimal(18, 6)) as budget_total,
        -- a budget that is cut below the plan takes the plan to date back, and asks for nothing
        cast(
            greatest(
                expected_spend_to_date - coalesce(
                    lag(expected_spend_to_date) over (
                        partition by campaign_id order by activity_date
                    ),
                    0
                ),
                0
            ) as decimal(18, 6)
        ) as expected_spend,
        expected_spend_to_date

    from to_date

)

select * from final
