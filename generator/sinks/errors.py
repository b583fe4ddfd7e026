"""The failures that a destination speaks of in sentences."""


class DestinationError(Exception):
    """The destination is not one to write to: its name, what is wrong, and what to do."""


class DestinationFailedError(DestinationError):
    """The destination is right and did not work: locked, read-only, full, vanished, out of reach.
    What it held is unchanged."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name if it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]
