with truth as (

    select * from {{ ref('stg_truth__media_returns') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

totals as (

    select
        campaigns.advertiser_id,
        campaigns.platform,
        truth.device,
        truth.country,
        truth.region_code,
        campaigns.currency_code,
        truth.conversion_type,
        cast(sum({{ micros_to_currency('truth.spend_micros') }}) as decimal(18, 6)) as spend,
        sum(truth.expected_conversions) as expected_conversions,
        sum(truth.expected_value) as expected_value,
        sum(truth.marginal_conversions) as marginal_conversions,
        sum(truth.marginal_value) as marginal_value
    from truth
    inner join campaigns
        on truth.campaign_id = campaigns.campaign_id
    group by
        campaigns.advertiser_id,
        campaigns.platform,
        truth.device,
        truth.country,
        truth.region_code,
        campaigns.currency_code,
        truth.conversion_type

),

final as (

    select
        -- identifiers
        advertiser_id,

        -- dimensions
        platform,
        device,
        country,
        region_code,
        conversion_type,
        currency_code,

        -- facts
        spend,
        expected_conversions,
        expected_value,
        marginal_conversions,
        marginal_value,

        -- metrics
        {{ safe_divide('expected_value', 'spend') }} as average_return,
        {{ safe_divide('100 * marginal_value', 'spend') }} as marginal_return,
        {{ safe_divide('100 * marginal_conversions', 'expected_conversions') }} as elasticity

    from totals

)

select * from final
