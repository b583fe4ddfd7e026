"""Creative files: picture, sound and size, consistent with one another and with what platforms
accept.

MP4 is H.264 at 4:2:0, MOV is ProRes at 4:2:2; 16:9, progressive, BT.709, constant frame rate,
stereo at 48 kHz (published ad specifications of a large streaming platform). A pause ad is a PNG.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from generator.randomness import uniform
from generator.world.names import pick

_RESOLUTIONS = ((1920, 1080), (1920, 1080), (1920, 1080), (1280, 720))
# Television runs at 50 fields a second here and at 60 elsewhere (ITU-R BT.1700); the shares of the
# frame rates, films at 23.976 and 24 among them, are assumptions.
_COUNTRIES_OF_50_HZ = frozenset({"AU", "DE", "ES", "FR", "GB", "IT"})
_FRAME_RATES_OF_50_HZ = (25.0,) * 17 + (24.0, 23.976, 29.97)
_FRAME_RATES_OF_60_HZ = (29.97,) * 9 + (23.976,) * 7 + (30.0,) * 2 + (24.0, 25.0)
_H264_PROFILES = ("MAIN", "HIGH", "HIGH")
_PRORES_PROFILES = ("422_HQ", "422", "422_LT")
# Lowest and highest video bit rate in kbit/s, by codec and picture height: floors as published, the
# rest assumptions; at 75 s and 95 Mbit/s a file stays below the 1 GB that is accepted.
_BITRATES = {
    ("H264", 720): (8_200, 14_000),
    ("H264", 1080): (12_500, 24_000),
    ("PRORES", 720): (43_000, 60_000),
    ("PRORES", 1080): (81_000, 95_000),
}
# Assumption: most files are H.264.
_H264_SHARE = 0.7
_PCM_KBPS = 1536
_AAC_KBPS = (192, 256, 320)
_PNG_BYTES = (400_000, 2_500_000)


def video_file(
    seed: int, creative_id: int, duration_seconds: int, country: str | None
) -> dict[str, Any]:
    """Return the columns of `creatives` that describe a video file made for a country (None for
    several)."""
    is_50_hz = country in _COUNTRIES_OF_50_HZ
    frame_rates = _FRAME_RATES_OF_50_HZ if is_50_hz else _FRAME_RATES_OF_60_HZ
    width, height = pick(_RESOLUTIONS, seed, "resolution", creative_id)
    codec = "H264" if uniform(seed, "codec", creative_id) < _H264_SHARE else "PRORES"
    low, high = _BITRATES[codec, height]
    bitrate = low + int(uniform(seed, "bitrate", creative_id) * (high - low))
    audio_codec = "AAC" if codec == "H264" else "PCM"
    audio_kbps = pick(_AAC_KBPS, seed, "audio", creative_id) if codec == "H264" else _PCM_KBPS
    profiles = _H264_PROFILES if codec == "H264" else _PRORES_PROFILES
    return {
        **_asset(seed, creative_id, "mp4" if codec == "H264" else "mov"),
        "mime_type": "video/mp4" if codec == "H264" else "video/quicktime",
        "file_format": "MP4" if codec == "H264" else "MOV",
        "duration_seconds": duration_seconds,
        "width": width,
        "height": height,
        "frame_rate": pick(frame_rates, seed, "frame rate", creative_id),
        "frame_rate_mode": "CONSTANT",
        "scan_type": "PROGRESSIVE",
        "video_codec": codec,
        "codec_profile": pick(profiles, seed, "profile", creative_id),
        "chroma_subsampling": "4:2:0" if codec == "H264" else "4:2:2",
        "bitrate_kbps": bitrate,
        "file_size_bytes": (bitrate + audio_kbps) * 125 * duration_seconds,
        "audio_codec": audio_codec,
        "audio_channels": 2,
        "audio_sample_rate_hz": 48_000,
    }


def still_image(seed: int, creative_id: int) -> dict[str, Any]:
    """Return the columns of `creatives` that describe a pause ad; columns of videos are None."""
    low, high = _PNG_BYTES
    video_only = (
        "duration_seconds", "frame_rate", "frame_rate_mode", "scan_type", "video_codec",
        "codec_profile", "chroma_subsampling", "bitrate_kbps", "audio_codec", "audio_channels",
        "audio_sample_rate_hz",
    )  # fmt: skip
    return {
        **_asset(seed, creative_id, "png"),
        **dict.fromkeys(video_only),
        "mime_type": "image/png",
        "file_format": "PNG",
        "width": 1920,
        "height": 1080,
        "file_size_bytes": low + int(uniform(seed, "bytes", creative_id) * (high - low)),
    }


def _asset(seed: int, creative_id: int, suffix: str) -> dict[str, Any]:
    checksum = sha256(f"{seed}/{creative_id}".encode()).hexdigest()
    return {
        "asset_url": f"https://cdn.ads.example/{checksum[:2]}/{checksum[:16]}.{suffix}",
        "checksum": checksum,
        "aspect_ratio": "16:9",
        "color_primaries": "BT.709",
        "transfer_function": "BT.709",
    }
