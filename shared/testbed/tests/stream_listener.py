"""A stream connector written directly on pycti: writes what it is told to a file, one line for each event.

stream_listener.py <url> <token> <stream id> <file> [<name>=<value> of the helper's connector section ...]

`ping_every=<n>` has it send its state after every so many events, instead of every 40 seconds only.
"""

import json
import sys
from typing import Any

from pycti import OpenCTIConnectorHelper


def main() -> None:
    url, token, stream, path, *more = sys.argv[1:]
    options: dict[str, Any] = dict(pair.split("=", 1) for pair in more)
    ping_every = int(options.pop("ping_every", 0))
    count = 0
    connector: dict[str, Any] = {
        "id": "4b5b8a4c-7c39-4a3c-9a0e-1e9f8f1e0c55",
        "name": "A listener",
        "type": "STREAM",
        "scope": "all",
        "log_level": "error",
        "live_stream_id": stream,
        "live_stream_listen_delete": True,
        "live_stream_no_dependencies": True,
        "queue_protocol": "api",
        "listen_protocol": "api",
        **options,
    }
    helper = OpenCTIConnectorHelper(
        {"opencti": {"url": url, "token": token}, "connector": connector}
    )

    def told(message: Any) -> None:
        nonlocal count
        body = json.loads(message.data)
        stix = body["data"]
        line = {
            "event": message.event,
            "id": message.id,
            "stix": stix["id"],
            "name": stix.get("name"),
            "referer": body["origin"].get("referer"),
            "description": stix.get("description"),
            "context": body.get("context"),
            "type": helper.get_attribute_in_extension("type", stix),
        }
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        count += 1
        if ping_every and count % ping_every == 0:
            # The state is that after the event before: a kill now repeats this one.
            helper.force_ping()

    helper.listen_stream(told).join()  # it listens in a thread of its own


if __name__ == "__main__":
    main()
