"""Delivery, hour by hour: pure array functions from a booking and a seed to Arrow batches.

`campaign.deliver` is the entrance. Nothing here reads a file, knows a process or keeps state. It
imports only the standard library, numpy, pyarrow, `generator.schema`, `generator.platform` and root
modules.
"""
