"""A run from its world to its sink: parts, faults, and additions to an existing database."""
