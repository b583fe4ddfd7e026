with choices as (

    select * from {{ ref('fct_creative_choices') }}

),

weighted as (

    select
        *,
        {{ safe_divide('1', 'creative_propensity') }} as weight
    from choices

),

-- sums of decimals do not depend on the order of rows
sums as (

    select
        campaign_id,
        line_item_id,
        creative_id,
        conversion_type,
        count(*) as impressions,
        sum(case when is_clicked then 1 else 0 end) as clicks,
        sum(conversions) as conversions,
        sum(cast(creative_propensity as decimal(28, 9))) as propensities,
        sum(cast(weight as decimal(28, 9))) as w,
        sum(cast(weight * conversions as decimal(28, 9))) as wy,
        sum(cast(weight * weight as decimal(28, 9))) as ww,
        sum(cast(weight * weight * conversions as decimal(28, 9))) as wwy,
        sum(cast(weight * weight * conversions * conversions as decimal(28, 9))) as wwyy
    from weighted
    group by campaign_id, line_item_id, creative_id, conversion_type

),

rates as (

    select
        *,
        {{ safe_divide('wy', 'w') }} as conversion_rate
    from sums

),

-- rounded sums can leave less than nothing where all choices led to the same
errors as (

    select
        *,
        {{ safe_divide(
            'sqrt(greatest(wwyy - 2 * conversion_rate * wwy'
            ~ ' + conversion_rate * conversion_rate * ww, 0e0))',
            'w',
        ) }} as standard_error
    from rates

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        conversion_type,

        -- facts
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(conversions as bigint) as conversions,

        -- metrics
        {{ safe_divide('propensities', 'impressions') }} as mean_propensity,
        {{ safe_divide('clicks', 'impressions') }} as click_rate,
        conversion_rate,
        standard_error,
        conversion_rate - 1.959964 * standard_error as conversion_rate_low,
        conversion_rate + 1.959964 * standard_error as conversion_rate_high

    from errors

)

select * from final
