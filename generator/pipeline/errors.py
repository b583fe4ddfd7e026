"""The failure of a run that its destination did not cause."""


class EngineError(Exception):
    """The error that a part could not be made: what happened and what to do."""
