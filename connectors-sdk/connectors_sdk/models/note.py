"""A note."""

import warnings
from typing import Any, ClassVar

from pydantic import AwareDatetime, model_validator

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container
from connectors_sdk.models.enums import NoteType


class Note(Container):
    """Informative text about objects (STIX 2.1 section 4.14).

    Its id comes from the content, the abstract and `created`, as far as they are given.

    Attributes:
        content: the text.
        publication_date: deprecated, use `created`.
        abstract: a summary.
        note_types: kinds of note.
        authors: names of who wrote it.
    """

    _stix_type: ClassVar[str] = "note"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:NoteStix"

    abstract: str | None = None
    content: str
    publication_date: AwareDatetime | None = None
    authors: list[str] | None = None
    note_types: list[NoteType] | None = None

    @model_validator(mode="before")
    @classmethod
    def _move_publication_date(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("publication_date") is None:
            return values
        if values.get("created") is not None:
            raise ValueError(
                "publication_date is the former name of created: give only created"
            )
        warnings.warn(
            "Note.publication_date is deprecated: use created.",
            DeprecationWarning,
            stacklevel=2,
        )
        return {
            **values,
            "created": values["publication_date"],
            "publication_date": None,
        }

    def _make_id(self) -> str:
        return _ids.note(self.content, self._created_for_id(), self.abstract)
