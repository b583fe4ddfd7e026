"""Interaction: how likely an impression is to be clicked, scanned or engaged with.

Click rates belong to the device, and differ log-normally between campaigns and creatives (with
mean 1, so that the platform's rate stays what it is); they wear out as the same household sees the
ad again.
"""

import numpy as np

from generator.enums import Device
from generator.randomness import Floats
from generator.schema import Creative
from generator.schema.behaviour import Interaction

_HIGHEST_RATE = 0.5


def click_rates(interaction: Interaction, campaigns: float, own: float) -> Floats:
    """Clicks / impressions at the first exposure, by device: (devices,). The effects are the
    campaign's and the creative's own."""
    campaign = _factor(interaction.campaign_log_sd, campaigns)
    creative = _factor(interaction.creative_log_sd, own)
    return np.minimum(np.array(interaction.ctr.in_order()) * campaign * creative, _HIGHEST_RATE)


def wear_out(interaction: Interaction, mean_exposures: Floats) -> Floats:
    """What is left of the click rate after this many exposures of a household: same shape.

    Interpolated between the platform's figures on the logarithm of the exposures.
    """
    exposures = sorted(interaction.wear_out)
    left = [interaction.wear_out[exposure] for exposure in exposures]
    return np.interp(np.log(np.maximum(mean_exposures, 1.0)), np.log(exposures), left)


def qr_scan_rates(interaction: Interaction, creative: Creative, own: float) -> Floats:
    """QR scans / impressions by device, 0 without a code: (devices,)."""
    if creative.qr_code_url is None:
        return np.zeros(len(Device))
    factor = _factor(interaction.creative_log_sd, own)
    return np.minimum(np.array(interaction.qr_scan_rate.in_order()) * factor, _HIGHEST_RATE)


def engagement_rates(interaction: Interaction, creative: Creative, own: float) -> Floats:
    """Engagements / impressions by device, 0 unless the creative is interactive: (devices,)."""
    if not creative.is_interactive:
        return np.zeros(len(Device))
    factor = _factor(interaction.creative_log_sd, own)
    return np.minimum(np.array(interaction.interactive_rate.in_order()) * factor, _HIGHEST_RATE)


def _factor(log_sd: float, shock: float) -> float:
    return float(np.exp(log_sd * shock - 0.5 * log_sd * log_sd))
