"""What the rows of a file mean in STIX."""

from connectors_sdk.models import Indicator, OrganizationAuthor, patterns

PATHS = {"domain": "domain-name:value", "ip": "ipv4-addr:value", "url": "url:value"}
AUTHOR = OrganizationAuthor(name="Template files")


def indicator(row: dict[str, str], default_score: int) -> Indicator:
    """Return the indicator of a row; what cannot be converted raises and is set aside."""
    return Indicator(
        name=row["value"],
        pattern=patterns.equals(PATHS[row["type"]], row["value"]),
        pattern_type="stix",
        score=int(row.get("score") or default_score),
        description=row.get("comment"),
    )
