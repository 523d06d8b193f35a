"""An importer written directly on pycti: sends as many malware as its state and AMOUNT say, in one work, then ends."""

import json
import os
import uuid

from pycti import Malware, OpenCTIConnectorHelper

WHEN = "2024-01-01T00:00:00.000Z"


def malware(name: str) -> dict[str, object]:
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": Malware.generate_id(name),
        "created": WHEN,
        "modified": WHEN,
        "name": name,
        "is_family": True,
    }


def main() -> None:
    helper = OpenCTIConnectorHelper({})
    begin = (helper.get_state() or {}).get("sent", 0)
    end = begin + int(os.environ["AMOUNT"])
    work_id = helper.api.work.initiate_work(helper.connect_id, f"From {begin}")
    objects = [malware(f"malware {number}") for number in range(begin, end)]
    # What nothing refers to and what refers to nothing that exists: a real feed has both.
    objects.append({**malware("broken"), "name": ""})
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    helper.send_stix2_bundle(json.dumps(bundle), work_id=work_id)
    # A ping of pycti's own that is under way would tell the platform the state of before, after this one.
    helper.ping.stop()
    helper.ping.join()
    helper.set_state({"sent": end})
    helper.force_ping()
    helper.api.work.to_processed(work_id, f"Sent {len(objects)} objects")


if __name__ == "__main__":
    main()
