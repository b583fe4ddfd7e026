with tested as (

    select * from {{ ref('fct_creative_test') }}

),

effects as (

    select * from {{ ref('stg_truth__creative_effects') }}

),

ranked as (

    select
        tested.*,
        effects.relative_effect,
        cast(
            rank() over (
                partition by tested.line_item_id, tested.conversion_type
                order by tested.click_rate desc
            ) as bigint
        ) as click_rank,
        cast(
            rank() over (
                partition by tested.line_item_id, tested.conversion_type
                order by tested.conversion_rate desc
            ) as bigint
        ) as conversion_rank,
        cast(
            rank() over (
                partition by tested.line_item_id, tested.conversion_type
                order by effects.relative_effect desc
            ) as bigint
        ) as true_rank,
        max(effects.relative_effect) over (
            partition by tested.line_item_id, tested.conversion_type
        ) as best_effect
    from tested
    inner join effects
        on
            tested.creative_id = effects.creative_id
            and tested.conversion_type = effects.conversion_type

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
        click_rank,
        conversion_rank,
        true_rank,

        -- metrics
        conversion_rate,
        standard_error,
        relative_effect,
        1e0 - {{ safe_divide('relative_effect', 'best_effect') }} as regret

    from ranked

)

select * from final
