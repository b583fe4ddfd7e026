"""A run from its world to its sink: its parts, and additions to an existing database."""
