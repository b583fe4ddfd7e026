"""A made-up market: which campaigns are booked, by whom, when, where and of which size."""
