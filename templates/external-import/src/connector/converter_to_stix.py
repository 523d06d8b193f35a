"""What the source's records mean in STIX."""

from datetime import datetime
from typing import Any

from connectors_sdk.models import Indicator, OrganizationAuthor, TLPMarking, patterns

PATHS = {"domain": "domain-name:value", "ip": "ipv4-addr:value", "url": "url:value"}
AUTHOR = OrganizationAuthor(name="Template feed")
MARKING = TLPMarking(level="green")


def indicator(record: dict[str, Any]) -> Indicator:
    """Return the indicator of a record; what cannot be converted raises and is set aside."""
    return Indicator(
        name=record["value"],
        pattern=patterns.equals(PATHS[record["type"]], record["value"]),
        pattern_type="stix",
        score=record.get("confidence"),
        valid_from=datetime.fromisoformat(record["modified"]),
        author=AUTHOR,
        markings=[MARKING],
    )
