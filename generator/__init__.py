"""Synthetic streaming-advertising data: what was bought, who watched, what happened each hour."""

__version__ = "0.1.0"
