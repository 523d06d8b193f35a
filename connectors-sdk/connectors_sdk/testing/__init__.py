"""Support for the tests of connectors: no mocks of private methods, no network but loopback, no platform.

- `make_settings`: settings from a dictionary, with what every connector needs filled in.
- `RecordingHelper`: stands in for pycti's `OpenCTIConnectorHelper` and records what a connector does with it.
- `run_once`: one run of an external-import connector against a `RecordingHelper`.
- `CannedServer`: a real HTTP server with prepared answers and faults, in the place of a source.
- `TcpProxy`: a way to any server that is slow or breaks off.

The fixtures of `connectors_sdk.testing.pytest_plugin` offer the same to pytest; nothing here needs pytest.
"""

from connectors_sdk.testing._canned_server import (
    Canned,
    CannedServer,
    Fault,
    RecordedRequest,
)
from connectors_sdk.testing._recording_helper import (
    LogLine,
    RecordedWork,
    RecordingHelper,
    SentBundle,
)
from connectors_sdk.testing._run import run_once
from connectors_sdk.testing._settings import make_settings
from connectors_sdk.testing._tcp_proxy import TcpProxy

__all__ = [
    "Canned",
    "CannedServer",
    "Fault",
    "LogLine",
    "RecordedRequest",
    "RecordedWork",
    "RecordingHelper",
    "SentBundle",
    "TcpProxy",
    "make_settings",
    "run_once",
]
