with creatives as (

    select * from {{ ref('stg_ads__creatives') }}

),

line_items as (

    select * from {{ ref('stg_ads__line_items') }}

),

final as (

    select
        -- identifiers
        creatives.creative_id,
        creatives.line_item_id,
        line_items.campaign_id,

        -- dimensions
        creatives.creative_name,
        creatives.placement,
        creatives.qa_status,
        creatives.rotation_start_date,
        creatives.rotation_end_date,
        creatives.placement <> 'PAUSE' as is_video,
        creatives.is_skippable,
        creatives.is_interactive,
        creatives.qr_code_url is not null as has_qr_code,
        creatives.interactive_meta,
        creatives.qr_code_url,
        creatives.overlay_cta_text,

        -- dimensions of the file
        creatives.asset_url,
        creatives.mime_type,
        creatives.file_format,
        creatives.frame_rate_mode,
        creatives.aspect_ratio,
        creatives.scan_type,
        creatives.video_codec,
        creatives.codec_profile,
        creatives.chroma_subsampling,
        creatives.color_primaries,
        creatives.transfer_function,
        creatives.audio_codec,

        -- facts
        creatives.duration_seconds,
        creatives.rotation_weight,
        creatives.width,
        creatives.height,
        creatives.frame_rate,
        creatives.bitrate_kbps,
        creatives.file_size_bytes,
        creatives.audio_channels,
        creatives.audio_sample_rate_hz,

        -- metadata
        creatives.checksum

    from creatives
    inner join line_items
        on creatives.line_item_id = line_items.line_item_id

)

select * from final
