{#- Ones and zeros are doubles: the mean of decimals has five digits on Spark. -#}
{#- Shares of campaigns: shape and condition. -#}
{% set shares = [
    ("starts_on_mondays", iso_day_of_week("first_flight_date") ~ " = 1"),
    ("starts_on_first_of_month", "extract(day from first_flight_date) = 1"),
    ("budgets_of_whole_thousands", "mod(cast(budget_amount * 100 as bigint), 100000) = 0"),
    ("orders_without_number", "external_ref is null"),
] %}

with campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

advertisers as (

    select * from {{ ref('dim_advertisers') }}

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

of_campaigns as (

    {% for shape_id, condition in shares -%}
        select
            '{{ shape_id }}' as shape_id,
            avg(case when {{ condition }} then 1e0 else 0e0 end) as measured_value
        from campaigns
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

prices as (

    select
        'prices_in_quarters' as shape_id,
        avg(case when mod(cast(target_cpm * 100 as bigint), 25) = 0 then 1e0 else 0e0 end)
            as measured_value
    from campaigns
    where currency_code = 'USD'

),

shares_of_campaign as (

    select
        line_items.campaign_id,
        max(line_items.budget_share) - min(line_items.budget_share) as spread
    from line_items
    inner join campaigns
        on line_items.campaign_id = campaigns.campaign_id
    group by line_items.campaign_id
    having count(*) > 1

),

equal_shares as (

    select
        'equal_budget_shares' as shape_id,
        avg(case when spread < 0.000001 then 1e0 else 0e0 end) as measured_value
    from shares_of_campaign

),

opening as (

    select min(first_flight_date) as first_date
    from campaigns

),

new_advertisers as (

    select
        'new_advertisers' as shape_id,
        avg(case when advertisers.created_at >= opening.first_date then 1e0 else 0e0 end)
            as measured_value
    from advertisers
    cross join opening

),

dsps as (

    select
        dsp_partner,
        count(*) as campaigns
    from campaigns
    where dsp_partner is not null
    group by dsp_partner

),

largest_dsp as (

    select
        'largest_over_smallest_dsp' as shape_id,
        {{ safe_divide('max(campaigns)', 'min(campaigns)') }} as measured_value
    from dsps

),

conversions as (

    select
        case
            when advertisers.industry in ('FINANCE', 'RETAIL', 'TELECOM') then 'DIRECT'
            when advertisers.industry in ('CONSUMER_GOODS', 'FOOD_BEVERAGE') then 'BRANDS'
        end as kind,
        case when campaigns.objective = 'CONVERSION' then 1e0 else 0e0 end as is_conversion
    from campaigns
    inner join advertisers
        on campaigns.advertiser_id = advertisers.advertiser_id

),

objectives as (

    select
        'conversion_of_direct_over_brands' as shape_id,
        {{ safe_divide(
            "avg(case when kind = 'DIRECT' then is_conversion end)",
            "avg(case when kind = 'BRANDS' then is_conversion end)",
        ) }} as measured_value
    from conversions

),

measured as (

    select * from of_campaigns
    union all
    select * from prices
    union all
    select * from equal_shares
    union all
    select * from new_advertisers
    union all
    select * from largest_dsp
    union all
    select * from objectives

),

final as (

    select
        -- identifiers
        shape_id,

        -- facts
        {{ to_nine_decimals('measured_value') }} as measured_value

    from measured

)

select * from final
