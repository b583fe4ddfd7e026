"""Interaction: how likely an impression is to be clicked, scanned or engaged with.

Click rates belong to the device, and differ log-normally between campaigns and creatives (with
mean 1, so that the platform's rate stays what it is); they wear out as the same household sees the
ad again.
"""

from collections.abc import Sequence

import numpy as np

from generator.arrays import Floats
from generator.platform.model import Interaction, PerDevice
from generator.schema import Creative

_HIGHEST_RATE = 0.5


def click_rates(interaction: Interaction, campaigns: Floats, own: Floats) -> Floats:
    """Clicks / impressions at the first exposure: (creatives, devices). The effects are those of
    the creatives' campaigns and their own, (creatives,) each."""
    rates = np.array(interaction.ctr.in_order()) * _factor(interaction.campaign_log_sd, campaigns)
    return np.minimum(rates * _factor(interaction.creative_log_sd, own), _HIGHEST_RATE)


def wear_out(interaction: Interaction, mean_exposures: Floats) -> Floats:
    """What is left of the click rate after this many exposures of a household: same shape.

    Interpolated between the platform's figures on the logarithm of the exposures.
    """
    exposures = sorted(interaction.wear_out)
    left = [interaction.wear_out[exposure] for exposure in exposures]
    return np.interp(np.log(np.maximum(mean_exposures, 1.0)), np.log(exposures), left)


def qr_scan_rates(interaction: Interaction, creatives: Sequence[Creative], own: Floats) -> Floats:
    """QR scans / impressions, 0 without a code: (creatives, devices)."""
    has_code = [each.qr_code_url is not None for each in creatives]
    return _rates(interaction.qr_scan_rate, interaction.creative_log_sd, own, has_code)


def engagement_rates(
    interaction: Interaction, creatives: Sequence[Creative], own: Floats
) -> Floats:
    """Engagements / impressions, 0 unless a creative is interactive: (creatives, devices)."""
    is_interactive = [each.is_interactive for each in creatives]
    return _rates(interaction.interactive_rate, interaction.creative_log_sd, own, is_interactive)


def _rates(
    by_device: PerDevice[float], log_sd: float, own: Floats, possible: Sequence[bool]
) -> Floats:
    rates = np.minimum(np.array(by_device.in_order()) * _factor(log_sd, own), _HIGHEST_RATE)
    return np.where(np.array(possible, dtype=np.bool_)[:, None], rates, 0.0)


def _factor(log_sd: float, shocks: Floats) -> Floats:
    """What shocks (creatives,) multiply a rate by, with mean 1: (creatives, 1)."""
    return np.exp(log_sd * shocks - 0.5 * log_sd * log_sd)[:, None]
