"""The log of single impressions: who saw which ad when.

Everything here is a function of ids, hours and numbers, so that any impression can be made without
the others. Counting the impressions of the log gives the hourly rows that they were made from.
"""
