"""Ports for what is started later: however many processes of tests run side by side, each port is given once.

A port that was only looked up can be taken by anybody before it is used. So each process of tests claims blocks of
ports, below those that the system gives out by itself, and a socket on a block's first port guards it.
"""

import random
import socket
from collections.abc import Iterator

_FIRST, _END, _BLOCK = 20_000, 32_000, 60
_GUARDS: list[socket.socket] = []


def _bound(port: int) -> socket.socket | None:
    """Return a socket on a port of the loopback interface, None when it is taken."""
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        one.close()
        return None
    return one


def _claimed() -> Iterator[int]:
    blocks = range(_FIRST, _END, _BLOCK)
    for block in random.sample(blocks, len(blocks)):
        guard = _bound(block)
        if guard is not None:
            _GUARDS.append(guard)
            yield from range(block + 1, block + _BLOCK)


_PORTS = _claimed()


def free_port() -> int:
    """Return a port of the loopback interface on which nobody listens; never the same again.

    Raises:
        OSError: there is none left.
    """
    for port in _PORTS:
        probe = _bound(port)
        if probe is not None:
            probe.close()
            return port
    raise OSError("No port is left for tests")
