"""A made-up market: which campaigns are booked by which advertisers, when, where, how large."""
