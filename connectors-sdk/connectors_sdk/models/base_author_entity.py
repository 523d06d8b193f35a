"""Models that can be an author."""

from abc import ABC

from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
from connectors_sdk.models.base_object import abstract


@abstract
class BaseAuthorEntity(BaseIdentifiedObject, ABC):
    """Marks the models that may stand in `author`."""
