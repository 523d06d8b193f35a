"""What cannot be done, told in words. Light: the command line reads this before anything else is loaded."""


class UsageError(Exception):
    """The command cannot be done this way; the text says why, and what to do."""


class UnsupportedError(UsageError):
    """Connectors of this type cannot do what was asked for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Connectors of this type cannot {what}.")
