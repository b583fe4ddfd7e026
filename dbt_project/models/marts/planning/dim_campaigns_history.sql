{%- set attributes = [
    "advertiser_id", "campaign_name", "platform", "objective", "status", "buy_type", "currency_code",
] -%}

with present as (

    select * from {{ ref('int_campaigns_as_of') }}

),

loads as (

    {{ campaign_loads() }}

),

logged as (

    select * from {{ ref('int_logged_versions') }}
    where entity_type = 'CAMPAIGN' and field = 'status'

),

of_this_dataset as (

    select
        loads.*,
        coalesce(loads.dbt_valid_to > loads.dbt_valid_from, true) as has_held
    from loads
    inner join present
        on
            loads.dataset = present.dataset
            and loads.campaign_id = present.campaign_id

),

settings as (

    select
        *,
        dbt_valid_to as valid_to,
        case
            when row_number() over (partition by campaign_id order by dbt_valid_from) = 1
                then created_at
            else dbt_valid_from
        end as valid_from
    from of_this_dataset
    where has_held

),

-- what a load has shown holds from its as-of date on where the log has what held before
states as (

    select
        settings.campaign_id,
        settings.status,
        cast(null as {{ dbt.type_string() }}) as reason,
        0 as place,
        case
            when logged.entity_id is null then settings.valid_from
            else settings.dbt_valid_from
        end as valid_from
    from settings
    left join logged
        on
            settings.campaign_id = logged.entity_id
            and logged.version_number = 1

    union all

    select
        present.campaign_id,
        logged.value_text as status,
        logged.reason,
        logged.version_number as place,
        coalesce(logged.valid_from, present.created_at) as valid_from
    from logged
    inner join present
        on logged.entity_id = present.campaign_id

),

compared_states as (

    select
        *,
        lag(status) over (partition by campaign_id order by valid_from, place) as status_before
    from states

),

bounded_states as (

    select
        *,
        lead(valid_from) over (partition by campaign_id order by valid_from, place) as valid_to
    from compared_states
    where status_before is null or status <> status_before

),

moments as (

    select
        campaign_id,
        valid_from
    from settings

    union

    select
        campaign_id,
        valid_from
    from states

),

states_at_moments as (

    select
        moments.campaign_id,
        moments.valid_from,
        settings.advertiser_id,
        settings.campaign_name,
        settings.platform,
        settings.objective,
        bounded_states.status,
        settings.buy_type,
        settings.currency_code,
        bounded_states.reason
    from moments
    inner join settings
        on
            moments.campaign_id = settings.campaign_id
            and {{ holds_at('settings', 'moments.valid_from') }}
    inner join bounded_states
        on
            moments.campaign_id = bounded_states.campaign_id
            and {{ holds_at('bounded_states', 'moments.valid_from') }}

),

compared as (

    select
        *,
        {% for attribute in attributes -%}
            lag({{ attribute }}) over campaign_in_time as {{ attribute }}_before,
        {% endfor -%}
        row_number() over campaign_in_time as place
    from states_at_moments
    window campaign_in_time as (partition by campaign_id order by valid_from)

),

versions as (

    select
        *,
        row_number() over campaign_in_time as version_number,
        lead(valid_from) over campaign_in_time as valid_to
    from compared
    where
        place = 1
        {% for attribute in attributes -%}
            or {{ attribute }} <> {{ attribute }}_before
        {% endfor %}
    window campaign_in_time as (partition by campaign_id order by valid_from)

),

final as (

    select
        -- identifiers
        campaign_id,
        cast(version_number as integer) as version_number,
        advertiser_id,

        -- dimensions
        campaign_name,
        platform,
        objective,
        status,
        buy_type,
        currency_code,
        reason,
        valid_to is null as is_present,

        -- metadata
        valid_from,
        valid_to

    from versions

)

select * from final
