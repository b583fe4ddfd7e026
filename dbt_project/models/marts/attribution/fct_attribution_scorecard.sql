with credits as (

    select * from {{ ref('fct_attributed_conversions') }}

),

impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

lift as (

    select * from {{ ref('stg_truth__campaign_lift') }}
    where window_days = 30

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

spend as (

    select
        campaign_id,
        {{ total_spend('spend') }} as spend
    from impressions
    group by campaign_id

),

methods as (

    select distinct attribution_method
    from credits

),

credited as (

    select
        campaign_id,
        conversion_type,
        attribution_method,
        cast(sum(credit) as decimal(18, 6)) as attributed_conversions,
        cast(sum(credited_value) as decimal(18, 6)) as attributed_value
    from credits
    group by campaign_id, conversion_type, attribution_method

),

compared as (

    select
        lift.campaign_id,
        lift.conversion_type,
        campaigns.advertiser_id,
        campaigns.currency_code,
        methods.attribution_method,
        spend.spend,
        coalesce(credited.attributed_conversions, 0) as attributed_conversions,
        coalesce(credited.attributed_value, 0) as attributed_value,
        lift.caused_conversions,
        lift.expected_conversions,
        lift.expected_value,
        {{ safe_divide('lift.expected_conversions', 'spend.spend') }} as caused_per_spend,
        {{ safe_divide('coalesce(credited.attributed_conversions, 0)', 'spend.spend') }}
            as attributed_per_spend
    from lift
    inner join campaigns
        on lift.campaign_id = campaigns.campaign_id
    inner join spend
        on lift.campaign_id = spend.campaign_id
    cross join methods
    left join credited
        on
            lift.campaign_id = credited.campaign_id
            and lift.conversion_type = credited.conversion_type
            and methods.attribution_method = credited.attribution_method

),

ranked as (

    select
        *,
        cast(
            rank() over (
                partition by attribution_method, conversion_type, currency_code
                order by caused_per_spend desc
            ) as bigint
        ) as true_rank,
        cast(
            rank() over (
                partition by attribution_method, conversion_type, currency_code
                order by attributed_per_spend desc
            ) as bigint
        ) as attributed_rank,
        max(caused_per_spend) over (
            partition by attribution_method, conversion_type, currency_code
        ) as best_per_spend,
        first_value(caused_per_spend) over (
            partition by attribution_method, conversion_type, currency_code
            order by attributed_per_spend desc, campaign_id asc
            rows between unbounded preceding and unbounded following
        ) as chosen_per_spend
    from compared

),

rank_moments as (

    select
        attribution_method,
        conversion_type,
        currency_code,
        avg(1e0 * attributed_rank) as mean_attributed,
        avg(1e0 * true_rank) as mean_true,
        avg(1e0 * attributed_rank * true_rank) as mean_product,
        avg(1e0 * attributed_rank * attributed_rank) as mean_attributed_square,
        avg(1e0 * true_rank * true_rank) as mean_true_square
    from ranked
    group by attribution_method, conversion_type, currency_code

),

final as (

    select
        -- identifiers
        ranked.campaign_id,
        ranked.advertiser_id,

        -- dimensions
        ranked.conversion_type,
        ranked.attribution_method,
        ranked.currency_code,

        -- facts
        ranked.spend,
        ranked.attributed_conversions,
        ranked.attributed_value,
        ranked.caused_conversions,
        ranked.expected_conversions,
        ranked.expected_value,
        ranked.attributed_rank,
        ranked.true_rank,

        -- metrics
        {{ safe_divide('ranked.attributed_conversions', 'ranked.expected_conversions') }}
            as overstatement,
        {{ safe_divide('ranked.attributed_value', 'ranked.spend') }} as attributed_roas,
        {{ safe_divide('ranked.expected_value', 'ranked.spend') }} as incremental_roas,
        {{ safe_divide(
            'mean_product - mean_attributed * mean_true',
            'sqrt((mean_attributed_square - mean_attributed * mean_attributed)'
            ~ ' * (mean_true_square - mean_true * mean_true))'
        ) }} as rank_correlation,
        1e0 - {{ safe_divide('ranked.chosen_per_spend', 'ranked.best_per_spend') }} as regret

    from ranked
    inner join rank_moments
        on
            ranked.attribution_method = rank_moments.attribution_method
            and ranked.conversion_type = rank_moments.conversion_type
            and ranked.currency_code = rank_moments.currency_code

)

select * from final
