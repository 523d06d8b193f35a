"""Ids that every platform and every producer of STIX knows; cheap to import."""

from collections.abc import Mapping
from types import MappingProxyType

# What OpenCTI adds to STIX objects, and what it adds to observables (its extension definitions).
OPENCTI_EXTENSION = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
OBSERVABLE_EXTENSION = "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"

# Markings of the Traffic Light Protocol by level: STIX 2.1, section 7.2.1.4, and those that OpenCTI has for TLP 2.0.
# TLP:CLEAR took the place, and the id, of TLP:WHITE.
TLP_MARKING_IDS: Mapping[str, str] = MappingProxyType(
    {
        "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
        "white": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
        "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
        "amber+strict": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37",
        "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    }
)
# The instant at which STIX fixed its markings.
TLP_MARKING_CREATED = "2017-01-20T00:00:00.000Z"
