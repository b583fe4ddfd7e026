{#- What a touch weighs, by method. Of four or more touches each end has two fifths by position. -#}
{%- set weights = [
    ("LAST_TOUCH", "case when touch_number = last_touch then 1e0 else 0e0 end"),
    ("FIRST_TOUCH", "case when touch_number = 1 then 1e0 else 0e0 end"),
    ("LINEAR", "1e0"),
    ("TIME_DECAY", "power(0.5e0, hours_before / (24e0 * " ~ var("attribution_half_life_days") ~ "))"),
    ("POSITION", "case when touches <= 2 then 1e0 when touch_number in (1, touches) then 0.4e0"
        ~ " else 0.2e0 / (touches - 2) end"),
    ("MARKOV", "removal_effect / touches_of_campaign"),
    ("SHAPLEY", "1e0 / touches_of_campaign"),
] -%}

with touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

removal_effects as (

    select * from {{ ref('int_removal_effects') }}

),

-- The last click is the last touch, if there is one.
ordered_touches as (

    select
        touchpoints.conversion_id,
        touchpoints.campaign_id,
        touchpoints.touch_number,
        touchpoints.touches,
        touchpoints.hours_before,
        removal_effects.removal_effect,
        count(*) over (
            partition by touchpoints.conversion_id, touchpoints.campaign_id
        ) as touches_of_campaign,
        coalesce(
            max(case when touchpoints.touch_type = 'POST_CLICK' then touchpoints.touch_number end)
                over (partition by touchpoints.conversion_id),
            touchpoints.touches
        ) as last_touch
    from touchpoints
    inner join removal_effects
        on
            touchpoints.campaign_id = removal_effects.campaign_id
            and touchpoints.conversion_type = removal_effects.conversion_type

),

weighed as (

    {% for method, weight in weights %}
        select
            conversion_id,
            campaign_id,
            '{{ method }}' as attribution_method,
            sum({{ weight }}) as weight
        from ordered_touches
        group by conversion_id, campaign_id
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Parts of a conversion end at whole millionths, so they add up to one.
ends as (

    select
        conversion_id,
        campaign_id,
        attribution_method,
        sum(weight) over (
            partition by conversion_id, attribution_method
            order by campaign_id
            rows between unbounded preceding and current row
        ) as weight_so_far,
        sum(weight) over (partition by conversion_id, attribution_method) as whole,
        row_number() over (
            partition by conversion_id, attribution_method order by campaign_id
        ) as place,
        count(*) over (partition by conversion_id, attribution_method) as campaigns
    from weighed

),

marks as (

    select
        conversion_id,
        campaign_id,
        attribution_method,
        cast(
            case
                when place = campaigns then 1000000
                when whole = 0 then floor(1e6 * place / campaigns)
                else floor(1e6 * weight_so_far / whole)
            end as bigint
        ) as credit_so_far_micros
    from ends

),

credits as (

    select
        conversion_id,
        campaign_id,
        attribution_method,
        credit_so_far_micros - coalesce(
            lag(credit_so_far_micros) over (
                partition by conversion_id, attribution_method order by campaign_id
            ),
            0
        ) as credit_micros
    from marks

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

final as (

    select
        -- identifiers
        credits.conversion_id,
        credits.campaign_id,
        conversions.advertiser_id,

        -- dimensions
        credits.attribution_method,
        conversions.conversion_type,
        conversions.activity_date,
        conversions.currency_code,

        -- facts
        cast(credits.credit_micros * 0.000001 as decimal(7, 6)) as credit,
        cast(
            credits.credit_micros * 0.000001 * conversions.conversion_value as decimal(18, 6)
        ) as credited_value

    from credits
    inner join conversions
        on credits.conversion_id = conversions.conversion_id

)

select * from final
