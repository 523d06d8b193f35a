"""Which types of objects a connector is about."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

_FAMILIES = (
    "stix-domain-object",
    "stix-cyber-observable",
    "stix-core-relationship",
    "stix-sighting-relationship",
)
# What operators write for "no limit".
_EVERYTHING = ("", "all", "any", "*", "stix", "stix2", "stix-core-object")


@cache
def known_types() -> frozenset[str]:
    """Return the names of all types, in STIX and in OpenCTI, in lower case."""
    from pycti.utils import constants
    from pycti.utils.opencti_stix2_utils import (
        STIX_CYBER_OBSERVABLE_MAPPING,
        STIX_OBJECTS,
    )

    kinds = (
        constants.IdentityTypes,
        constants.ThreatActorTypes,
        constants.LocationTypes,
        constants.ContainerTypes,
    )
    names = [
        *STIX_OBJECTS,
        *STIX_CYBER_OBSERVABLE_MAPPING.values(),
        *(member.value for kind in kinds for member in kind),
        *_FAMILIES,
    ]
    return frozenset(name.casefold() for name in names)


class TypeScope:
    """The types that a connector handles, narrowed by those that the operator named.

    Attributes:
        ignored: what the operator named that is no type.
    """

    def __init__(self, types: Iterable[str], scope: Iterable[str]) -> None:
        """Take both lists.

        Args:
            types: what the author declared: types in STIX (`indicator`) or OpenCTI (`IPv4-Addr`), or families such as
                `Stix-Cyber-Observable`; empty for all.
            scope: what the operator named in `connector.scope`; there are connectors whose scope is any word.
        """
        self._types = frozenset(name.casefold() for name in types)
        named = {name.strip().casefold() for name in scope} - set(_EVERYTHING)
        known = known_types() | self._types
        self._named = frozenset(named & known)
        self.ignored = sorted(named - known)
        self._answers: dict[tuple[str, str, bool], bool] = {}

    def covers(self, data: Mapping[str, Any], entity_type: str) -> bool:
        """Return whether the connector is about a STIX object, of which OpenCTI's type is `entity_type`."""
        # Observables have no date of creation.
        key = (str(data.get("type")), entity_type, "created" in data)
        answer = self._answers.get(key)
        if answer is None:
            names = {key[0].casefold(), entity_type.casefold(), _family(key[0], key[2])}
            answer = (not self._types or bool(names & self._types)) and (
                not self._named or bool(names & self._named)
            )
            self._answers[key] = answer
        return answer

    @property
    def names(self) -> list[str]:
        """The types that are covered, [] for all."""
        return sorted(self._named or self._types)


def _family(stix_type: str, has_created: bool) -> str:
    if stix_type == "relationship":
        return "stix-core-relationship"
    if stix_type == "sighting":
        return "stix-sighting-relationship"
    return "stix-domain-object" if has_created else "stix-cyber-observable"
