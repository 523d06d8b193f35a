"""What a test can change about requests that take long, by variables of the environment."""

import os


def shorten() -> None:
    """Let the connector acknowledge long requests sooner (ACKNOWLEDGE_AFTER), and forget them (KEEPS_NOTHING)."""
    seconds = os.environ.get("ACKNOWLEDGE_AFTER")
    if not seconds:
        return
    # Loads pycti: not in the process that reads a file, which does not have the variable.
    from connectors_sdk.connectors import _listening

    _listening.LONGEST_UNACKNOWLEDGED = float(seconds)
    if os.environ.get("KEEPS_NOTHING"):
        _listening.Unfinished.keep = lambda *_: None  # type: ignore[assignment,method-assign]
