"""A file exporter written directly on pycti: STIX bundles through the client's own exporter."""

import json
from typing import Any

from pycti import OpenCTIConnectorHelper


def main() -> None:
    helper = OpenCTIConnectorHelper({})

    def export(data: dict[str, Any]) -> str:
        api = helper.api_impersonate
        if data["export_scope"] == "single":
            bundle = api.stix2.get_stix_bundle_or_object_from_entity_id(
                entity_type=data["entity_type"],
                entity_id=data["entity_id"],
                mode=data["export_type"],
                access_filter=data["access_filter"],
            )
            api.stix_domain_object.push_entity_export(
                entity_id=data["entity_id"],
                file_name=data["file_name"],
                data=json.dumps(bundle),
                file_markings=data["file_markings"],
                mime_type="application/json",
            )
            return "Export done"
        if data["export_scope"] == "selection":
            listed = api.opencti_stix_object_or_stix_relationship.list(
                filters=data["main_filter"], getAll=True
            )
            list_filters = "selected_ids"
        else:
            groups = [data["list_params"].get("filters"), data["access_filter"]]
            listed = api.stix2.export_entities_list(
                entity_type=data["entity_type"],
                search=data["list_params"].get("search"),
                filters={
                    "mode": "and",
                    "filters": [],
                    "filterGroups": [group for group in groups if group],
                },
                orderBy=data["list_params"].get("orderBy"),
                orderMode=data["list_params"].get("orderMode"),
                getAll=True,
            )
            list_filters = json.dumps(data["list_params"])
        bundle = api.stix2.export_selected(
            entities_list=listed,
            mode=data["export_type"],
            access_filter=data["access_filter"],
        )
        push = {
            "Stix-Cyber-Observable": api.stix_cyber_observable,
            "Stix-Core-Object": api.stix_core_object,
        }.get(data["entity_type"], api.stix_domain_object)
        push.push_list_export(
            data["entity_id"],
            data["entity_type"],
            data["file_name"],
            data["file_markings"],
            json.dumps(bundle),
            list_filters,
            "application/json",
        )
        return "Export done"

    helper.listen(message_callback=export)


if __name__ == "__main__":
    main()
