"""What each command does, from its options to its result: find, check, run, report."""
