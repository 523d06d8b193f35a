"""An enricher written directly on pycti: writes a note about what it is asked about, in playbooks too."""

import json
import uuid
from typing import Any

from pycti import Note, OpenCTIConnectorHelper

WHEN = "2024-01-01T00:00:00.000Z"


def main() -> None:
    helper = OpenCTIConnectorHelper({}, playbook_compatible=True)

    def enrich(data: dict[str, Any]) -> str:
        entity = data["enrichment_entity"]
        if entity.get("name") == "poison":
            raise ValueError("this one cannot be enriched")
        content = f"Enriched {entity['standard_id']} ({entity['entity_type']})"
        note = {
            "type": "note",
            "spec_version": "2.1",
            "id": Note.generate_id(WHEN, content),
            "created": WHEN,
            "modified": WHEN,
            "content": content,
            "object_refs": [data["stix_entity"]["id"]],
        }
        bundle = {
            "type": "bundle",
            "id": f"bundle--{uuid.uuid4()}",
            "objects": [*data["stix_objects"], note],
        }
        sent = helper.send_stix2_bundle(json.dumps(bundle))
        return f"Sent {len(sent)} bundles"

    helper.listen(message_callback=enrich)


if __name__ == "__main__":
    main()
