"""What happened, hour by hour: pure array functions from a booking and a seed to Arrow batches.

`campaign.deliver` is the way in. Nothing here reads a file, knows a process or keeps state; it
imports numpy, pyarrow and `generator.schema` alone.
"""
