with campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

numbered_runs as (

    select
        *,
        row_number() over (order by run_id desc) as position_from_end
    from runs

),

latest_run as (

    select
        workflow,
        seed,
        as_of_date
    from numbered_runs
    where position_from_end = 1

),

final as (

    select
        -- identifiers
        {{ dbt.concat([
            'latest_run.workflow', "'/'", dbt.cast('latest_run.seed', dbt.type_string()),
        ]) }} as dataset,
        campaigns.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        campaigns.campaign_name,
        campaigns.platform,
        campaigns.objective,
        campaigns.status,
        campaigns.buy_type,
        campaigns.currency_code,

        -- metadata
        campaigns.created_at,
        cast(latest_run.as_of_date as timestamp) as as_of

    from campaigns
    cross join latest_run

)

select * from final
