"""The Traffic Light Protocol markings, which every platform knows."""

from functools import cache

from connectors_sdk.bundles._entry import Entry


@cache
def known_marking(stix_id: str) -> Entry | None:
    """Return the TLP marking of this id, or None when the id is not one of theirs."""
    return _markings().get(stix_id) if stix_id.startswith("marking-def") else None


@cache
def _markings() -> dict[str, Entry]:
    # Imported when the first reference has to be looked up: bundles of dictionaries may do without the models.
    from connectors_sdk.models.enums import TLPLevel
    from connectors_sdk.models.tlp_marking import TLPMarking

    # TLP:CLEAR took the place (and the id) of TLP:WHITE.
    markings = [
        TLPMarking(level=level) for level in TLPLevel if level is not TLPLevel.WHITE
    ]
    return {marking.id: Entry.of(marking) for marking in markings}
