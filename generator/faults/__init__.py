"""Faults on purpose: rows of delivery, and of who saw it, damaged between the simulation and the
sink, and a log of it.

`stage` takes the batches of a run through the requested faults. `effects` defines what each kind of
fault does to rows. `rows` keeps the identity of a row, even if a fault changes its ids.
`changed_columns` defines the tables that hold the result. The faults that a file can request are in
`generator.scenario.faults`. The touched rows follow from the seed, the fault and the ids of the
row. They do not depend on batches, their order, or the process that makes them.
"""
