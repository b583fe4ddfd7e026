{#- A path is cut after this number of campaigns. -#}
{%- set steps = 6 -%}

with conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

types as (

    select distinct
        advertiser_id,
        conversion_type
    from conversions

),

-- The campaigns that led to a conversion, and those that a household saw and did not convert.
visits as (

    select
        advertiser_id,
        conversion_type,
        conversion_id as path_id,
        campaign_id,
        1 as is_converted,
        min(touch_ts) as first_ts
    from touchpoints
    group by advertiser_id, conversion_type, conversion_id, campaign_id

    union all

    select
        impressions.advertiser_id,
        types.conversion_type,
        cast(impressions.household_id as {{ dbt.type_string() }}) as path_id,
        impressions.campaign_id,
        0 as is_converted,
        min(impressions.event_ts) as first_ts
    from impressions
    inner join types
        on impressions.advertiser_id = types.advertiser_id
    left join touchpoints
        on
            impressions.household_id = touchpoints.household_id
            and impressions.advertiser_id = touchpoints.advertiser_id
            and types.conversion_type = touchpoints.conversion_type
    where touchpoints.conversion_id is null
    group by
        impressions.advertiser_id,
        types.conversion_type,
        impressions.household_id,
        impressions.campaign_id

),

moves as (

    select
        advertiser_id,
        conversion_type,
        is_converted,
        campaign_id,
        coalesce(
            lag(campaign_id) over (
                partition by advertiser_id, conversion_type, is_converted, path_id
                order by first_ts, campaign_id
            ),
            0
        ) as from_id,
        case
            when
                row_number() over (
                    partition by advertiser_id, conversion_type, is_converted, path_id
                    order by first_ts desc, campaign_id desc
                ) = 1
                then 1
            else 0
        end as is_last
    from visits

),

-- Campaign 0 is the start of each path.
counts as (

    select
        advertiser_id,
        conversion_type,
        from_id,
        campaign_id as to_id,
        count(*) as paths,
        0 as converted
    from moves
    group by advertiser_id, conversion_type, from_id, campaign_id

    union all

    select
        advertiser_id,
        conversion_type,
        campaign_id as from_id,
        0 as to_id,
        count(*) as paths,
        sum(is_converted) as converted
    from moves
    where is_last = 1
    group by advertiser_id, conversion_type, campaign_id

),

chances as (

    select
        advertiser_id,
        conversion_type,
        from_id,
        to_id,
        {{ safe_divide(
            'paths',
            'sum(paths) over (partition by advertiser_id, conversion_type, from_id)'
        ) }} as chance,
        {{ safe_divide(
            'converted',
            'sum(paths) over (partition by advertiser_id, conversion_type, from_id)'
        ) }} as converting
    from counts

),

-- Without a campaign, and once with all of them (0).
worlds as (

    select distinct
        advertiser_id,
        conversion_type,
        to_id as removed_id
    from chances

    union

    select distinct
        advertiser_id,
        conversion_type,
        0 as removed_id
    from chances

),

at_0 as (

    select
        advertiser_id,
        conversion_type,
        removed_id,
        cast(0 as bigint) as campaign_id,
        1e0 as part
    from worlds

),

{% for step in range(1, steps + 1) %}
    at_{{ step }} as (

        select
            earlier.advertiser_id,
            earlier.conversion_type,
            earlier.removed_id,
            chances.to_id as campaign_id,
            sum(earlier.part * chances.chance) as part
        from at_{{ step - 1 }} as earlier
        inner join chances
            on
                earlier.advertiser_id = chances.advertiser_id
                and earlier.conversion_type = chances.conversion_type
                and earlier.campaign_id = chances.from_id
        where chances.to_id <> 0 and chances.to_id <> earlier.removed_id
        group by
            earlier.advertiser_id, earlier.conversion_type, earlier.removed_id, chances.to_id

    ),

{% endfor %}

on_the_way as (

    {% for step in range(1, steps + 1) %}
        select * from at_{{ step }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

conversion_rates as (

    select
        on_the_way.advertiser_id,
        on_the_way.conversion_type,
        on_the_way.removed_id,
        sum(on_the_way.part * chances.converting) as conversion_rate
    from on_the_way
    inner join chances
        on
            on_the_way.advertiser_id = chances.advertiser_id
            and on_the_way.conversion_type = chances.conversion_type
            and on_the_way.campaign_id = chances.from_id
            and chances.to_id = 0
    group by on_the_way.advertiser_id, on_the_way.conversion_type, on_the_way.removed_id

),

final as (

    select
        -- identifiers
        worlds.removed_id as campaign_id,
        worlds.advertiser_id,

        -- dimensions
        worlds.conversion_type,

        -- metrics
        1e0 - coalesce(
            {{ safe_divide('left_out.conversion_rate', 'with_all.conversion_rate') }}, 0e0
        ) as removal_effect

    from worlds
    left join conversion_rates as with_all
        on
            worlds.advertiser_id = with_all.advertiser_id
            and worlds.conversion_type = with_all.conversion_type
            and with_all.removed_id = 0
    left join conversion_rates as left_out
        on
            worlds.advertiser_id = left_out.advertiser_id
            and worlds.conversion_type = left_out.conversion_type
            and worlds.removed_id = left_out.removed_id
    where worlds.removed_id <> 0

)

select * from final
