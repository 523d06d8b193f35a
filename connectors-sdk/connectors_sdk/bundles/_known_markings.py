"""The Traffic Light Protocol markings that every platform knows.

The ids are fixed: four by STIX 2.1 section 7.2.1.4 (TLP:CLEAR took the id of TLP:WHITE), that of TLP:AMBER+STRICT by
OpenCTI.
"""

from functools import cache
from typing import Any

from connectors_sdk.bundles._entry import Entry

_CREATED = "2017-01-20T00:00:00.000Z"


def _tlp_1(level: str) -> dict[str, Any]:
    return {
        "definition_type": "tlp",
        "name": f"TLP:{level.upper()}",
        "definition": {"tlp": level},
    }


def _tlp_2(name: str) -> dict[str, Any]:
    # TLP 2.0 levels have no STIX 2.1 definition of their own; OpenCTI reads the x_opencti_* properties.
    return {
        "definition_type": "statement",
        "definition": {"statement": "custom"},
        "x_opencti_definition_type": "TLP",
        "x_opencti_definition": name,
    }


_LEVELS = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": _tlp_2("TLP:CLEAR"),
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": _tlp_1("green"),
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": _tlp_1("amber"),
    "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37": _tlp_2(
        "TLP:AMBER+STRICT"
    ),
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": _tlp_1("red"),
}


@cache
def known_marking(stix_id: str) -> Entry | None:
    """Return the TLP marking of this id, or None when the id is not one of theirs."""
    level = _LEVELS.get(stix_id)
    if level is None:
        return None
    return Entry.of(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": stix_id,
            "created": _CREATED,
            **level,
        }
    )
