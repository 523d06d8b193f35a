"""An enrichment connector written directly on pycti: adds a label and a note to what it is asked about.

enrichment_connector.py <url> <token> <port> <auto>
"""

import json
import sys
import uuid
from typing import Any

from pycti import Note, OpenCTIConnectorHelper


def main() -> None:
    url, token, port, auto = sys.argv[1:]
    helper = OpenCTIConnectorHelper(
        {
            "opencti": {"url": url, "token": token},
            "connector": {
                "id": "6d8f62a3-8c2f-4f0a-9d39-7c0f8f1a2b4c",
                "name": "An enricher",
                "type": "INTERNAL_ENRICHMENT",
                "scope": "Malware,IPv4-Addr",
                "auto": auto == "auto",
                "log_level": "error",
                "queue_protocol": "api",
                "listen_protocol": "api",
                "listen_protocol_api_port": int(port),
                "listen_protocol_api_uri": f"http://127.0.0.1:{port}",
                "listen_protocol_api_path": "/api/callback",
            },
        }
    )

    def enrich(data: dict[str, Any]) -> str:
        entity = data["enrichment_entity"]
        if entity.get("name") == "poison":
            raise ValueError("this one cannot be enriched")
        content = f"Enriched {entity['standard_id']} ({entity['entity_type']})"
        note = {
            "type": "note",
            "spec_version": "2.1",
            "id": Note.generate_id("2024-01-01T00:00:00.000Z", content),
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "content": content,
            "object_refs": [entity["standard_id"]],
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
