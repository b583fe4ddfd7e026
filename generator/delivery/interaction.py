"""Interaction: how likely an impression is to be clicked, scanned or engaged with.

Click rates belong to the device. They differ log-normally between campaigns and creatives, with
mean 1, so that the platform's rate stays the mean. They wear out as the same household sees the ad
again.
"""

from collections.abc import Sequence

import numpy as np

from generator.arrays import Floats
from generator.delivery.noise import log_normal
from generator.platform.model import Interaction, PerDevice
from generator.schema import Creative


def click_rates(
    interaction: Interaction, campaign_effects: Floats, creative_effects: Floats
) -> Floats:
    """Return clicks / impressions at the first exposure: (creatives, devices).

    The effects are standard normals, (creatives,) each: that of a creative's campaign, and that of
    the creative.
    """
    of_campaign = log_normal(interaction.campaign_log_sd, campaign_effects)
    rates = np.array(interaction.ctr.in_order()) * of_campaign[:, None]
    of_creative = log_normal(interaction.creative_log_sd, creative_effects)
    return np.minimum(rates * of_creative[:, None], interaction.highest_rate)


def wear_out(interaction: Interaction, mean_exposures: Floats) -> Floats:
    """Return what is left of the click rate after this many exposures of a household: same shape.

    Interpolated between the platform's figures on the logarithm of the exposures.
    """
    exposures = sorted(interaction.wear_out)
    left = [interaction.wear_out[exposure] for exposure in exposures]
    return np.interp(np.log(np.maximum(mean_exposures, 1.0)), np.log(exposures), left)


def qr_scan_rates(
    interaction: Interaction, creatives: Sequence[Creative], effects: Floats
) -> Floats:
    """Return QR scans / impressions, 0 without a code: (creatives, devices)."""
    has_code = [creative.qr_code_url is not None for creative in creatives]
    return _rates(interaction, interaction.qr_scan_rate, effects, has_code)


def engagement_rates(
    interaction: Interaction, creatives: Sequence[Creative], effects: Floats
) -> Floats:
    """Return engagements / impressions, 0 unless a creative is interactive: (creatives,
    devices)."""
    is_interactive = [creative.is_interactive for creative in creatives]
    return _rates(interaction, interaction.interactive_rate, effects, is_interactive)


def _rates(
    interaction: Interaction,
    by_device: PerDevice[float],
    effects: Floats,
    possible: Sequence[bool],
) -> Floats:
    """Return the rate of each creative and device, 0 where it is not possible."""
    factors = log_normal(interaction.creative_log_sd, effects)[:, None]
    rates = np.minimum(np.array(by_device.in_order()) * factors, interaction.highest_rate)
    return np.where(np.array(possible, dtype=np.bool_)[:, None], rates, 0.0)
