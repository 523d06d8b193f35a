"""stix2 classes for what neither stix2 nor pycti has one for; loaded when one is asked for.

OpenCTI accepts some objects that STIX does not: reports without contents, cities without country.
"""

from collections import OrderedDict
from typing import Any

from stix2.properties import (
    BooleanProperty,
    DictionaryProperty,
    IntegerProperty,
    ListProperty,
    ReferenceProperty,
    StringProperty,
    TimestampProperty,
)
from stix2.v21 import (
    CustomObject,
    CustomObservable,
    Grouping,
    Location,
    Note,
    Opinion,
    Report,
)
from stix2.v21.base import _STIXBase21

_ANY = ["SCO", "SDO", "SRO"]
_TEXT = StringProperty()
_TEXTS = ListProperty(StringProperty)
_TIME = TimestampProperty()
_REQUIRED_TEXT = StringProperty(required=True)


def _refs() -> Any:
    return ListProperty(ReferenceProperty(valid_types=_ANY, spec_version="2.1"))


def _with_optional_contents(stix2_class: Any) -> Any:
    """Return the properties of a class with `object_refs` optional."""
    # pylint: disable-next=protected-access
    properties = OrderedDict(stix2_class._properties)
    properties["object_refs"] = _refs()
    return properties


class ReportStix(Report):  # type: ignore[misc]  # stix2 is untyped
    """A report that may be empty."""

    _properties = _with_optional_contents(Report)


class NoteStix(Note):  # type: ignore[misc]  # stix2 is untyped
    """A note that may be about nothing in particular."""

    _properties = _with_optional_contents(Note)


class GroupingStix(Grouping):  # type: ignore[misc]  # stix2 is untyped
    """A grouping that may be empty."""

    _properties = _with_optional_contents(Grouping)


class OpinionStix(Opinion):  # type: ignore[misc]  # stix2 is untyped
    """An opinion that may be about nothing in particular."""

    _properties = _with_optional_contents(Opinion)


class LocationStix(Location):  # type: ignore[misc]  # stix2 is untyped
    """A location for which OpenCTI's type and name say enough."""

    def _check_object_constraints(self) -> None:
        # STIX asks for a region, a country or coordinates; latitude and longitude still need each other.
        self._check_properties_dependency(["latitude"], ["longitude"])
        self._check_properties_dependency(["longitude"], ["latitude"])
        self._check_properties_dependency(["latitude", "longitude"], ["precision"])


class AssociatedFileStix(_STIXBase21):  # type: ignore[misc]  # stix2 is untyped
    """A file inside of `x_opencti_files`."""

    _properties = OrderedDict(
        [
            ("spec_version", StringProperty(fixed="2.1")),
            ("name", _REQUIRED_TEXT),
            ("description", _TEXT),
            ("data", _TEXT),
            ("mime_type", _TEXT),
            (
                "object_marking_refs",
                ListProperty(
                    ReferenceProperty(
                        valid_types="marking-definition", spec_version="2.1"
                    )
                ),
            ),
            ("version", _TEXT),
            ("no_trigger_import", BooleanProperty(default=lambda: False)),
        ]
    )


def _object(stix_type: str, **properties: Any) -> Any:
    return CustomObject(stix_type, list(properties.items()))(
        type(stix_type, (), {"__doc__": f"OpenCTI's {stix_type}."})
    )


_CASE: dict[str, Any] = {
    "name": _REQUIRED_TEXT,
    "description": _TEXT,
    "severity": _TEXT,
    "priority": _TEXT,
    "object_refs": _refs(),
}
CaseRftStix = _object("case-rft", **_CASE, takedown_types=_TEXTS)
FeedbackStix = _object(
    "feedback",
    name=_REQUIRED_TEXT,
    description=_TEXT,
    rating=IntegerProperty(),
    object_refs=_refs(),
)
EventStix = _object(
    "event",
    name=_REQUIRED_TEXT,
    description=_TEXT,
    aliases=_TEXTS,
    event_types=_TEXTS,
    start_time=_TIME,
    stop_time=_TIME,
)
LanguageStix = _object("language", name=_REQUIRED_TEXT, aliases=_TEXTS)
NarrativeStix = _object(
    "narrative",
    name=_REQUIRED_TEXT,
    description=_TEXT,
    aliases=_TEXTS,
    narrative_types=_TEXTS,
)
DataSourceStix = _object(
    "data-source",
    name=_REQUIRED_TEXT,
    description=_TEXT,
    platforms=_TEXTS,
    collection_layers=_TEXTS,
)
DataComponentStix = _object(
    "data-component",
    name=_REQUIRED_TEXT,
    description=_TEXT,
    data_source_ref=ReferenceProperty(valid_types=["data-source"], spec_version="2.1"),
)
SecurityCoverageStix = _object(
    "security-coverage",
    name=_REQUIRED_TEXT,
    covered_ref=ReferenceProperty(valid_types=_ANY, spec_version="2.1", required=True),
    description=_TEXT,
    coverage=ListProperty(DictionaryProperty(spec_version="2.1")),
    last_result=_TIME,
    valid_from=_TIME,
    valid_to=_TIME,
    external_uri=_TEXT,
    periodicity=_TEXT,
    duration=_TEXT,
    auto_enrichment_disable=BooleanProperty(),
    type_affinity=_TEXT,
    platforms_affinity=_TEXTS,
    tenant_id=_TEXT,
    tenant_name=_TEXT,
)
SecurityCoverageResultStix = _object(
    "security-coverage-result",
    result_of_ref=ReferenceProperty(
        valid_types=["security-coverage"], spec_version="2.1", required=True
    ),
    name=_TEXT,
    description=_TEXT,
    external_uri=_TEXT,
    coverage=ListProperty(DictionaryProperty(spec_version="2.1")),
    coverage_last_result=_TIME,
    coverage_valid_from=_TIME,
    coverage_valid_to=_TIME,
)
WindowsRegistryValueStix = CustomObservable(
    "windows-registry-value-type",
    [("name", _TEXT), ("data", _TEXT), ("data_type", _TEXT)],
    ["name", "data", "data_type"],
)(type("WindowsRegistryValueStix", (), {"__doc__": "A value of a registry key."}))
EmailMimePartStix = CustomObservable(
    "email-mime-part-type",
    [
        ("body", _TEXT),
        ("content_type", _TEXT),
        ("content_disposition", _TEXT),
        (
            "body_raw_ref",
            ReferenceProperty(valid_types=["artifact", "file"], spec_version="2.1"),
        ),
    ],
    ["body", "content_type", "content_disposition"],
)(type("EmailMimePartStix", (), {"__doc__": "A part of a multipart message."}))
