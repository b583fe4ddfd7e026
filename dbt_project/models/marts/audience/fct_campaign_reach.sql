with reach as (

    select
        *,
        cast(window_start as date) as activity_date
    from {{ ref('stg_ads__campaign_reach') }}
    {% if is_incremental() %}
        where cast(window_start as date) in ({{ stale_days(ref('int_source_days'), 'campaign_reach') }})
    {% endif %}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

source_days as (

    select * from {{ ref('int_source_days') }}
    where raw_table = 'campaign_reach'

),

final as (

    select
        -- identifiers
        reach.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        reach.reach_window,
        reach.window_start,
        reach.activity_date,

        -- facts
        reach.impressions,
        reach.reach,
        reach.reach_2plus,
        reach.reach_3plus,
        reach.reach_5plus,
        reach.reach_10plus,

        -- metrics
        {{ metric('frequency') }} as frequency,

        -- metadata
        {{ digest_of_build('source_days.source_digest') }} as source_digest

    from reach
    inner join campaigns
        on reach.campaign_id = campaigns.campaign_id
    inner join source_days
        on reach.activity_date = source_days.activity_date

)

select * from final
