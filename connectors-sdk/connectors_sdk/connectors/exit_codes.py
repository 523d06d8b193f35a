"""How a connector's process says how it ended."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of a connector's process means.

    OK: stopped on request, or, in run-and-terminate mode, the run was good.
    FAILURE: the platform stayed away, the run failed in run-and-terminate mode, or the connector itself is broken.
    CONFIGURATION: a setting is missing or wrong. Starting again without changing it is of no use.
    """

    OK = 0
    FAILURE = 1
    CONFIGURATION = 2
