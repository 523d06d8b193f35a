"""Models of observables."""

from abc import ABC
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models import _ids, patterns
from connectors_sdk.models._emission import (
    emit,
    id_timestamp,
    make_plan,
    to_json_ready,
)
from connectors_sdk.models.associated_file import AssociatedFile
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.base_object import family

_COMMON_PLAN = make_plan(
    (
        "score",
        "description",
        "labels",
        "external_references",
        "author",
        "associated_files",
        "create_indicator",
        "markings",
    ),
    {
        "score": "x_opencti_score",
        "description": "x_opencti_description",
        "labels": "x_opencti_labels",
        "external_references": "x_opencti_external_references",
        "author": "x_opencti_created_by_ref",
        "associated_files": "x_opencti_files",
        "create_indicator": "x_opencti_create_indicator",
        "markings": "object_marking_refs",
    },
)


@family(_COMMON_PLAN)
class BaseObservableEntity(BaseIdentifiedEntity, ABC):
    """An observable: a STIX cyber-observable object, or one of OpenCTI's own (STIX 2.1 section 6).

    STIX gives observables no author, labels, dates or external references; OpenCTI reads them from its own properties.
    `created` is accepted for what calls all models alike, and has no place in an observable.

    Attributes:
        score: how malicious it is, 0 to 100.
        description: what is known about it.
        associated_files: files attached to it.
        create_indicator: true if the platform shall make an indicator of it.
    """

    # Name of the type in OpenCTI, for example IPv4-Addr.
    _opencti_type: ClassVar[str] = ""
    # Fields from which the id comes (STIX 2.1 section 2.9 and "ID Contributing Properties" of each type).
    _id_fields: ClassVar[tuple[str, ...]] = ("value",)
    # Fields that a pattern compares; those of the id when None.
    _pattern_fields: ClassVar[tuple[str, ...] | None] = None

    score: int | None = Field(default=None, ge=0, le=100)
    description: str | None = None
    associated_files: list[AssociatedFile] | None = None
    create_indicator: bool | None = None

    @property
    def stix_type(self) -> str:
        """STIX type, for example `ipv4-addr`."""
        return self._stix_type

    @property
    def opencti_type(self) -> str:
        """Name of the type in OpenCTI, for example `IPv4-Addr`."""
        return self._opencti_type

    def pattern_values(self) -> Iterator[tuple[tuple[str, ...], patterns.Value]]:
        """Yield what a pattern can compare: the keys of the object path and the value."""
        wanted = (
            self._id_fields if self._pattern_fields is None else self._pattern_fields
        )
        for field, key, refers in self._own_plan:
            value = self.__dict__[field]
            if field not in wanted or value is None:
                continue
            if refers:
                text = getattr(value, "value", None)
                if isinstance(text, str):
                    yield (key, "value"), text
            elif key == "hashes":
                for algorithm, digest in value.items():
                    yield ("hashes", str.__str__(algorithm)), digest
            elif isinstance(value, list):
                for item in value:
                    yield (key, "[*]"), to_json_ready(item)
            else:
                yield (key,), (
                    value if isinstance(value, datetime) else to_json_ready(value)
                )

    def _common_stix2_properties(self) -> dict[str, Any]:
        """Return the common properties as keyword arguments of a stix2 class."""
        common = super()._common_stix2_properties()
        return {
            "allow_custom": True,
            "object_marking_refs": common["object_marking_refs"],
            "x_opencti_score": self.score,
            "x_opencti_description": self.description,
            "x_opencti_labels": common["labels"],
            "x_opencti_external_references": common["external_references"],
            "x_opencti_created_by_ref": common["created_by_ref"],
            "x_opencti_files": [
                file.to_stix2_object() for file in self.associated_files or ()
            ],
            "x_opencti_create_indicator": self.create_indicator,
        }

    def _emit(self, form: dict[str, Any]) -> None:
        values = self.__dict__
        if self._stix_constants:
            form.update(self._stix_constants)
        emit(self._plan, values, form)

    def _make_id(self) -> str:
        values = self.__dict__
        contributors: dict[str, object] = {}
        for field, key, refers in self._own_plan:
            value = values[field]
            if field not in self._id_fields or not _is_present(value):
                continue
            if refers:
                contributors[key] = (
                    [other.id for other in value]
                    if isinstance(value, list)
                    else value.id
                )
            elif key == "hashes":
                contributors[key] = _ids.one_hash(value)
            else:
                contributors[key] = id_timestamp(value)
        if not contributors:
            # STIX then asks for a random id. The same fact would be another object on each run: all that the object
            # says of itself contributes instead; what it refers to may refer back.
            own = tuple(step for step in self._own_plan if not step.refers)
            emit(own, values, contributors)
            contributors.pop("x_opencti_additional_names", None)
        return _ids.make_id(self._stix_type, contributors)


def _is_present(value: Any) -> bool:
    return value is not None and value != [] and value != {}
