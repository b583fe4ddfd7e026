with audience as (

    select * from {{ ref('stg_ads__audience_daily') }}
    {% if is_incremental() %}
        where activity_date in ({{ stale_days(ref('int_source_days'), 'audience_daily') }})
    {% endif %}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

population as (

    select * from {{ ref('platform_population') }}

),

source_days as (

    select * from {{ ref('int_source_days') }}
    where raw_table = 'audience_daily'

),

segments as (

    select
        audience.*,
        campaigns.advertiser_id,
        campaigns.platform,
        population.population_share,
        source_days.source_digest,
        cast(
            sum(audience.impressions) over (
                partition by audience.campaign_id, audience.activity_date, audience.dimension
            ) as bigint
        ) as day_impressions
    from audience
    inner join campaigns
        on audience.campaign_id = campaigns.campaign_id
    inner join source_days
        on audience.activity_date = source_days.activity_date
    left join population
        on
            campaigns.platform = population.platform
            and audience.dimension = population.dimension
            and audience.segment = population.segment

),

shares as (

    select
        *,
        {{ metric('impression_share') }} as impression_share
    from segments

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        platform,
        activity_date,
        dimension,
        segment,

        -- facts
        impressions,
        video_q100,
        clicks,
        day_impressions,
        population_share,

        -- metrics
        impression_share,
        {{ metric('audience_index') }} as audience_index,
        {{ metric('segment_ctr') }} as segment_ctr,

        -- metadata
        {{ digest_of_build('source_digest') }} as source_digest

    from shares

)

select * from final
