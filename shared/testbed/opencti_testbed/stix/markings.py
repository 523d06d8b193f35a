"""The five TLP markings, present from the first start.

Source: the fixed ids of the STIX 2.1 specification (section 7.2.1.4) and of OpenCTI for CLEAR and AMBER+STRICT.
"""

from typing import Any

TLP: dict[str, tuple[str, int, str]] = {
    "TLP:CLEAR": ("613f2e26-407d-48c7-9eca-b8e91df99dc9", 1, "#ffffff"),
    "TLP:GREEN": ("34098fce-860f-48ae-8e50-ebd3cc5e41da", 2, "#2e7d32"),
    "TLP:AMBER": ("f88d31f6-486f-44da-b317-01333bde0b82", 3, "#d84315"),
    "TLP:AMBER+STRICT": ("826578e1-40ad-459f-bc73-ede076f81f37", 4, "#d84315"),
    "TLP:RED": ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", 5, "#c62828"),
}
TLP_IDS = {f"marking-definition--{uuid}": name for name, (uuid, _, _) in TLP.items()}
TLP_IDS_BY_NAME = {name: marking_id for marking_id, name in TLP_IDS.items()}
EPOCH = "1970-01-01T00:00:00.000Z"


def tlp_objects() -> list[dict[str, Any]]:
    """Return the stored form of the five TLP markings."""
    return [
        {
            "type": "marking-definition",
            "id": f"marking-definition--{uuid}",
            "spec_version": "2.1",
            "definition_type": "TLP",
            "definition": name,
            "x_opencti_order": order,
            "x_opencti_color": color,
            "created": EPOCH,
        }
        for name, (uuid, order, color) in TLP.items()
    ]


def stored_form(stix: dict[str, Any]) -> dict[str, Any]:
    """Return a marking definition the way it is stored: `definition_type` and a readable `definition`.

    Bundles write a TLP marking in several ways (`definition: {"tlp": "amber"}`, `x_opencti_definition`, `name`).
    """
    known = TLP_IDS.get(str(stix.get("id")))
    if known:
        kind, text = "TLP", known
    else:
        # As the client does: what has a name only is of the type that stands before the colon.
        before, colon, _ = str(stix.get("name") or "").partition(":")
        kind = str(
            stix.get("x_opencti_definition_type")
            or stix.get("definition_type")
            or (before if colon else "statement")
        )
        definition = stix.get("definition")
        if isinstance(definition, dict):
            # {"statement": "..."} or {"tlp": "..."}: the one member is the text.
            definition = next(iter(definition.values()), None)
        text = str(
            stix.get("x_opencti_definition") or stix.get("name") or definition or ""
        )
        if kind.lower() == "tlp":
            kind = "TLP"
            text = text if text.upper().startswith("TLP:") else f"TLP:{text.upper()}"
    kept = {
        key: stix[key]
        for key in ("type", "id", "spec_version", "created", "created_by_ref")
        if stix.get(key)
    }
    order, color = (TLP[text][1:]) if text in TLP else (0, "#98a2b3")
    return {
        **kept,
        "definition_type": kind,
        "definition": text,
        "x_opencti_order": stix.get("x_opencti_order", order),
        "x_opencti_color": stix.get("x_opencti_color", color),
    }
