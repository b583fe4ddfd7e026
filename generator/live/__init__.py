"""A run as it happens: the rows of a run in the order of the moments at which they are sent.

`timeline` makes the rows of a day at a time and cuts them into slices, `events` derives the events
of ads, `clock` says when a slice is due, `stream` sends slices to one of the `targets`. A target
keeps with the data how far it is, so a run that was killed goes on at the next slice.
"""
