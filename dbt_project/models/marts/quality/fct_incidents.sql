with fault_log as (

    select * from {{ ref('stg_ads__fault_log') }}

),

fault_types as (

    select * from {{ ref('fault_types') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

spans as (

    select
        fault,
        fault_type,
        campaign_id,
        min(from_ts) as from_ts,
        max(to_ts) as to_ts,
        count(*) as active_days,
        sum(rows_touched) as rows_touched,
        min(keys) as aimed_at
    from fault_log
    group by fault, fault_type, campaign_id

),

final as (

    select
        -- identifiers
        spans.fault as incident,
        spans.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        spans.fault_type as incident_type,
        not fault_types.is_incident as is_on_purpose,
        fault_types.is_recoverable,
        spans.from_ts,
        spans.to_ts,

        -- facts
        cast(spans.active_days as integer) as active_days,
        cast(spans.rows_touched as bigint) as rows_touched,

        -- metadata
        spans.aimed_at

    from spans
    inner join campaigns
        on spans.campaign_id = campaigns.campaign_id
    inner join fault_types
        on spans.fault_type = fault_types.fault_type

)

select * from final
