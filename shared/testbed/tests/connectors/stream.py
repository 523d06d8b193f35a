"""A stream connector written directly on pycti: appends what happens to the file SEEN, one line per event."""

import json
import os
from typing import Any

from pycti import OpenCTIConnectorHelper


def main() -> None:
    helper = OpenCTIConnectorHelper({})
    with open(os.environ["SEEN"], "a", encoding="utf-8") as seen:

        def see(message: Any) -> None:
            told = json.loads(message.data)
            line = {
                "position": message.id,
                "kind": message.event,
                "name": told["data"].get("name"),
                "id": told["data"]["id"],
            }
            seen.write(json.dumps(line) + "\n")
            seen.flush()
            # The state is that after the event before: a kill now repeats this one.
            helper.force_ping()

        # It listens in a thread of its own.
        helper.listen_stream(message_callback=see).join()


if __name__ == "__main__":
    main()
