"""Faults on purpose: delivery data spoilt between the simulation and the sink, and a log of it.

`stage` takes the batches of a run through the faults that were asked for, `effects` says what each
kind does to rows, `rows` who a row is whatever has been done to it, and `landing` which tables hold
the result. What may be asked for is in `generator.scenario.faults`. Which rows are touched follows
from the seed, the fault and the ids of the row, never from batches, their order, or who makes them.
"""
