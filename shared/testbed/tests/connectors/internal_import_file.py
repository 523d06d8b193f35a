"""A file importer written directly on pycti: each line of a text becomes a malware, which the context refers to."""

import json
import uuid
from typing import Any

from pycti import Malware, OpenCTIConnectorHelper, StixCoreRelationship

WHEN = "2024-01-01T00:00:00.000Z"


def main() -> None:
    helper = OpenCTIConnectorHelper({})

    def read(data: dict[str, Any]) -> str:
        url = helper.opencti_url + data["file_fetch"]
        text = helper.api.fetch_opencti_file(url, True).decode()
        if "\0" in text:
            raise ValueError("this is no text")
        objects: list[dict[str, Any]] = [
            {
                "type": "malware",
                "spec_version": "2.1",
                "id": Malware.generate_id(line),
                "created": WHEN,
                "modified": WHEN,
                "name": line,
                "is_family": True,
                "object_marking_refs": data["file_markings"],
            }
            for line in text.splitlines()
        ]
        if data.get("entity_id"):
            context = helper.api.stix_domain_object.read(id=data["entity_id"])
            objects += [
                {
                    "type": "relationship",
                    "spec_version": "2.1",
                    "id": StixCoreRelationship.generate_id(
                        "related-to", one["id"], context["standard_id"]
                    ),
                    "created": WHEN,
                    "modified": WHEN,
                    "relationship_type": "related-to",
                    "source_ref": one["id"],
                    "target_ref": context["standard_id"],
                }
                for one in objects
            ]
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        sent = helper.send_stix2_bundle(
            json.dumps(bundle),
            entity_id=data.get("entity_id"),
            bypass_validation=data["bypass_validation"],
            validation_mode=data.get("validation_mode", "draft"),
            force_validation=data.get("force_validation", False),
            file_markings=data.get("file_markings"),
            file_name=f"{data['file_id'].rpartition('/')[2]}.json",
        )
        told = data.get("configuration")
        return f"Sent {len(sent)} bundles" + (f" ({told})" if told else "")

    helper.listen(message_callback=read)


if __name__ == "__main__":
    main()
