"""A made-up market: how many campaigns of which size are booked, by whom, when and where."""
