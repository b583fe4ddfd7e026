with changes as (

    select * from {{ ref('stg_ads__campaign_changes') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

named as (

    select
        *,
        case
            when field = 'status' and new_value = 'PAUSED' then 'PAUSED'
            when field = 'status' and new_value = 'ACTIVE' and old_value = 'PAUSED' then 'RESUMED'
            when field = 'status' and new_value = 'ACTIVE' then 'STARTED_LATE'
            when field = 'status' and new_value = 'COMPLETED' then 'STOPPED_EARLY'
            when entity_type = 'BUDGET' and field = 'amount_micros' then 'BUDGET'
            when entity_type = 'LINE_ITEM' and field = 'bid_cpm_micros' then 'BID'
            when entity_type = 'FLIGHT' and field = 'end_date' then 'EXTENDED'
            when entity_type = 'CREATIVE' and field = 'rotation_end_date' then 'CREATIVE_SWAPPED'
            else 'OTHER'
        end as what,
        case
            when field in ('amount_micros', 'bid_cpm_micros') then cast(old_value as bigint)
        end as micros_before,
        case
            when field in ('amount_micros', 'bid_cpm_micros') then cast(new_value as bigint)
        end as micros_after
    from changes

),

final as (

    select
        -- identifiers
        named.change_id,
        named.campaign_id,
        campaigns.advertiser_id,
        named.entity_id,

        -- dimensions
        named.entity_type,
        named.field,
        case
            when named.what in ('BUDGET', 'BID') and named.micros_after > named.micros_before
                then named.what || '_RAISED'
            when named.what in ('BUDGET', 'BID') then named.what || '_CUT'
            else named.what
        end as change_type,
        named.old_value,
        named.new_value,
        named.reason,
        campaigns.currency_code,
        cast(named.changed_at as date) as activity_date,

        -- facts
        {{ micros_to_currency('named.micros_before') }} as amount_before,
        {{ micros_to_currency('named.micros_after') }} as amount_after,

        -- metadata
        named.changed_at

    from named
    inner join campaigns
        on named.campaign_id = campaigns.campaign_id

)

select * from final
