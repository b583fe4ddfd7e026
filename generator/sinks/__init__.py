"""Where the data lands: one module per destination, all with the small protocol of `sink`.

A sink takes batches of raw tables and makes all of them visible at once, or none.
"""
