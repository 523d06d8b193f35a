"""A marking in words."""

from typing import Any, ClassVar

from connectors_sdk.models import _ids
from connectors_sdk.models.base_identified_object import BaseIdentifiedObject

# A statement says the same whenever it is read; a constant keeps output reproducible.
_CREATED = "2017-01-20T00:00:00.000Z"


class StatementMarking(BaseIdentifiedObject):
    """A copyright notice or terms of use as a marking (STIX 2.1 section 7.2.1.3).

    Attributes:
        statement: the text.
    """

    _stix_type: ClassVar[str] = "marking-definition"
    _stix2_class: ClassVar[str] = "MarkingDefinition"

    statement: str

    def _make_id(self) -> str:
        return _ids.make_id(
            "marking-definition",
            {"definition": self.statement, "definition_type": "statement"},
        )

    def _emit(self, form: dict[str, Any]) -> None:
        form["created"] = _CREATED
        form["definition_type"] = "statement"
        form["definition"] = {"statement": self.statement}
