with delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

advertisers as (

    select * from {{ ref('dim_advertisers') }}

),

campaign_clicks as (

    select
        delivery.campaign_id,
        delivery.device,
        advertisers.industry,
        ln({{ safe_divide('sum(delivery.clicks)', 'sum(delivery.impressions)') }}) as log_ctr
    from delivery
    inner join campaigns
        on delivery.campaign_id = campaigns.campaign_id
    inner join advertisers
        on campaigns.advertiser_id = advertisers.advertiser_id
    group by delivery.campaign_id, delivery.device, advertisers.industry
    having sum(delivery.clicks) >= 60

),

creative_completion as (

    select
        creative_id,
        device,
        {{ dbt.concat(['placement', "' '", dbt.cast('duration_seconds', dbt.type_string())]) }}
            as film,
        {{ safe_divide('video_q100', 'video_starts') }} as completion_rate
    from delivery
    where
        duration_seconds is not null
        and video_starts >= 3000
        and video_q100 > 0
        and video_q100 < video_starts

),

rates as (

    select
        'clicks_that_industry_explains' as shape_id,
        campaign_id as subject_id,
        device,
        industry as feature,
        log_ctr as rate
    from campaign_clicks

    union all

    select
        'completion_that_films_explain' as shape_id,
        creative_id as subject_id,
        device,
        film as feature,
        ln(completion_rate / (1 - completion_rate)) as rate
    from creative_completion

),

within_devices as (

    select
        shape_id,
        subject_id,
        feature,
        rate - avg(rate) over (partition by shape_id, device) as distance
    from rates

),

subjects as (

    select
        shape_id,
        subject_id,
        feature,
        avg(distance) as distance
    from within_devices
    group by shape_id, subject_id, feature

),

features as (

    select
        shape_id,
        feature,
        count(*) as members,
        sum(distance) as total,
        sum(distance * distance) as squares
    from subjects
    group by shape_id, feature

),

-- what the means of features leave of the variance, each by its degrees of freedom
variances as (

    select
        shape_id,
        {{ safe_divide('sum(squares - total * total / members)', 'sum(members) - count(*)') }}
            as inside,
        {{ safe_divide(
            'sum(squares) - sum(total) * sum(total) / sum(members)', 'sum(members) - 1'
        ) }} as whole
    from features
    group by shape_id

),

final as (

    select
        -- identifiers
        shape_id,

        -- facts
        {{ to_nine_decimals('1 - ' ~ safe_divide('inside', 'whole')) }} as measured_value

    from variances

)

select * from final
