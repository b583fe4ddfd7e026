with source as (

    select * from {{ source('ads', 'campaigns') }}

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        name as campaign_name,
        platform,
        scenario,
        objective,
        status,
        buy_type,
        dsp_partner,
        currency_code,
        content_tier,
        brand_lift_enabled as is_brand_lift_enabled,
        attention_metrics_enabled as is_attention_measured,
        clean_room_provider,
        measurement_partner,

        -- facts
        target_cpm_micros,
        max_share_of_voice,

        -- metadata
        external_ref,
        created_at,
        updated_at

    from source

)

select * from final
