with source as (

    select * from {{ source('ads', 'creatives') }}

),

final as (

    select
        -- identifiers
        creative_id,
        line_item_id,

        -- dimensions
        name as creative_name,
        asset_url,
        mime_type,
        file_format,
        rotation_start_date,
        rotation_end_date,
        placement,
        qa_status,
        frame_rate_mode,
        aspect_ratio,
        scan_type,
        video_codec,
        codec_profile,
        chroma_subsampling,
        color_primaries,
        transfer_function,
        audio_codec,
        is_skippable,
        is_interactive,
        interactive_meta,
        qr_code_url,
        overlay_cta_text,

        -- facts
        duration_seconds,
        rotation_weight,
        width,
        height,
        frame_rate,
        bitrate_kbps,
        file_size_bytes,
        audio_channels,
        audio_sample_rate_hz,

        -- metadata
        checksum

    from source

)

select * from final
