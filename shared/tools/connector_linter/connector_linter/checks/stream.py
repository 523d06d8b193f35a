"""VC3: streams."""

from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import STREAM, Problem, Severity, check

_CODE = "src/connector/connector.py"


@check(
    "VC323",
    "helper-listen-stream",
    Severity.ERROR,
    (STREAM,),
    what="The connector listens with `helper.listen_stream`.",
    why="It resumes where it stopped, and recognises heartbeats and missing streams.",
    fix="Derive from the SDK's `StreamConnector`, or call `helper.listen_stream(message_callback=…)`.",
    bad={_CODE: "def process_message(message):\n    return message.data\n"},
    good={
        _CODE: "def run(helper, process_message):\n    helper.listen_stream(message_callback=process_message)\n"
    },
)
def helper_listen_stream(connector: Connector) -> Iterator[Problem]:
    """Report a connector that listens to no stream. The SDK's runtime listens by itself."""
    if connector.has_runtime or any(True for _ in connector.calls("listen_stream")):
        return
    yield Problem("helper.listen_stream is never called")
