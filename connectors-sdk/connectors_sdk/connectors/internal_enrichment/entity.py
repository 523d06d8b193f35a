"""The entity that a source is asked about, and what a source may say about the entity itself."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors_sdk.connectors._dressing import is_observable
from connectors_sdk.models.external_reference import ExternalReference
from connectors_sdk.models.reference import Reference
from connectors_sdk.well_known import OBSERVABLE_EXTENSION, OPENCTI_EXTENSION

# The platform looks for its own properties here, in this order, before it looks at the object itself.
_EXTENSIONS = (OPENCTI_EXTENSION, OBSERVABLE_EXTENSION)


@dataclass(frozen=True, slots=True)
class EntityFile:
    """A file that is attached to the entity on the platform.

    Attributes:
        id: the platform's id of the file.
        name: its name.
        mime_type: its type, as the platform sees it.
        size: bytes, None when the platform does not say.
        platform: the file as the platform's API gives it, markings included.
    """

    id: str
    name: str
    mime_type: str
    size: int | None
    platform: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EntityUpdate:
    """What a source says about the entity itself. Made by `Entity.update`.

    Attributes:
        score: 0 to 100; what becomes of it is a matter of the score policy.
        labels: added to those that the entity has.
        external_references: added, as JSON-ready dictionaries.
        description: taken when the entity has none.
    """

    score: int | None = None
    labels: tuple[str, ...] = ()
    external_references: tuple[Mapping[str, Any], ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """The entity that shall be enriched.

    Attributes:
        id: its STIX id.
        type: its type on the platform, e.g. `IPv4-Addr`.
        value: what it is known by: an observable's value, an entity's name.
        score: 0 to 100, None when it has none.
        labels: its labels.
        markings: its markings by name, e.g. `TLP:AMBER`.
        hashes: of a file or certificate, by algorithm.
        files: files that are attached to it.
        stix: it as a STIX object.
        objects: the STIX objects that came with it (author, markings; in a playbook all that the playbook carries).
        platform: it as the platform's API gives it.
        configuration: text that came with the request, if any.
    """

    id: str
    type: str
    value: str
    score: int | None
    labels: tuple[str, ...]
    markings: tuple[str, ...]
    hashes: Mapping[str, str]
    files: tuple[EntityFile, ...]
    stix: Mapping[str, Any] = field(repr=False)
    objects: tuple[Mapping[str, Any], ...] = field(repr=False)
    platform: Mapping[str, Any] = field(repr=False)
    configuration: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Entity":
        """Read what pycti's listener hands over: the event with `enrichment_entity`, `stix_entity` and `stix_objects`.

        Raises:
            ValueError: the message lacks the entity.
        """
        platform = message.get("enrichment_entity")
        stix = message.get("stix_entity")
        if not isinstance(platform, Mapping) or not isinstance(stix, Mapping):
            raise ValueError("the message holds no entity")
        objects = tuple(message.get("stix_objects") or (stix,))
        return cls(
            id=str(stix["id"]),
            type=str(platform["entity_type"]),
            value=_value(platform, stix),
            score=next((s for s in scores(platform, stix) if s is not None), None),
            labels=_labels(platform, stix),
            markings=tuple(
                str(m.get("definition")) for m in platform.get("objectMarking") or ()
            ),
            hashes={str(k): str(v) for k, v in (stix.get("hashes") or {}).items()},
            files=tuple(_files(platform)),
            stix=stix,
            objects=objects,
            platform=platform,
            configuration=message.get("configuration"),
        )

    @property
    def reference(self) -> Reference:
        """Stands for the entity wherever a model asks for one, e.g. as an end of a relationship."""
        return Reference(id=self.id)

    @property
    def stix_type(self) -> str:
        """Its STIX type, e.g. `ipv4-addr`."""
        return str(self.stix.get("type") or "")

    @property
    def markable(self) -> dict[str, Any]:
        """What the egress gate decides by: the platform's markings and those of the message together."""
        stix_keys = ("object_marking_refs", "granular_markings")
        return {
            **self.platform,
            **{key: self.stix[key] for key in stix_keys if key in self.stix},
        }

    @staticmethod
    def update(
        *,
        score: int | None = None,
        labels: Iterable[str] = (),
        external_references: Iterable[ExternalReference | Mapping[str, Any]] = (),
        description: str | None = None,
    ) -> EntityUpdate:
        """Say something about the entity itself; yield the result among the findings.

        Args:
            score: 0 to 100.
            labels: to be added.
            external_references: to be added; models or dictionaries.
            description: taken when it has none.

        Raises:
            ValueError: the score is no number from 0 to 100.
        """
        if score is not None and (isinstance(score, bool) or not 0 <= score <= 100):
            raise ValueError(f"a score is a number from 0 to 100, not {score!r}")
        return EntityUpdate(
            score=score,
            labels=tuple(dict.fromkeys(label for label in labels if label)),
            external_references=tuple(
                (
                    reference.to_stix_dict()
                    if hasattr(reference, "to_stix_dict")
                    # pylint: disable-next=no-member  # a mapping then
                    else dict(reference)
                )
                for reference in external_references
            ),
            description=description or None,
        )


def scores(
    platform: Mapping[str, Any], stix: Mapping[str, Any]
) -> tuple[int | None, ...]:
    """Return the scores that an entity is known to have, the most recent first."""
    return (_attribute(stix, "score"), platform.get("x_opencti_score"))


def updated(
    stix: Mapping[str, Any], update: EntityUpdate, score: int | None
) -> dict[str, Any]:
    """Return the STIX object of an entity with what a source says about it; nothing that it has is taken away.

    Args:
        stix: the object; left alone.
        update: what the source says.
        score: the score that the entity gets; None leaves it as it is.
    """
    result: dict[str, Any] = copy.deepcopy(dict(stix))
    observable = is_observable(stix)
    if update.labels:
        _grow(result, "x_opencti_labels" if observable else "labels", update.labels)
    if update.external_references:
        key = "x_opencti_external_references" if observable else "external_references"
        _grow(result, key, update.external_references)
    if update.description and not _attribute(stix, "description"):
        key = "x_opencti_description" if observable else "description"
        result[key] = update.description
        if observable:
            _tell_extension(result, "description", update.description)
    if score is not None:
        result["x_opencti_score"] = score
        _tell_extension(result, "score", score)
    return result


def _grow(result: dict[str, Any], key: str, more: Iterable[Any]) -> None:
    """Add to a list wherever the object has it: readers differ in where they look first."""
    name = key.removeprefix("x_opencti_")
    lists = [result.get(name), result.get(key)]
    lists += [ext.get(name) for ext in _extensions(result)]
    union = {_content(one): one for found in lists for one in found or ()}
    new = {_content(one): one for one in more}
    if new.keys() <= union.keys():
        return
    grown = list({**union, **new}.values())
    result[name if name in result else key] = grown
    if key != name:
        _tell_extension(result, name, grown)
    else:
        for extension in _extensions(result):
            if name in extension:
                extension[name] = list(grown)


def _content(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _tell_extension(result: dict[str, Any], name: str, value: Any) -> None:
    """Write what the platform keeps in an extension there too, if the object came from the platform."""
    extensions = result.get("extensions")
    if not isinstance(extensions, dict) or OPENCTI_EXTENSION not in extensions:
        return
    own = OBSERVABLE_EXTENSION if is_observable(result) else OPENCTI_EXTENSION
    extension = extensions.setdefault(own, {"extension_type": "property-extension"})
    extension[name] = value


def _extensions(stix: Mapping[str, Any]) -> list[dict[str, Any]]:
    extensions = stix.get("extensions")
    if not isinstance(extensions, Mapping):
        return []
    found = (extensions.get(name) for name in _EXTENSIONS)
    return [one for one in found if isinstance(one, dict)]


def _attribute(stix: Mapping[str, Any], name: str) -> Any:
    """Return a property of OpenCTI's of a STIX object, wherever it stands."""
    for extension in _extensions(stix):
        if extension.get(name) is not None:
            return extension[name]
    prefixed = stix.get(f"x_opencti_{name}")
    return stix.get(name) if prefixed is None else prefixed


def _value(platform: Mapping[str, Any], stix: Mapping[str, Any]) -> str:
    for source in (platform, stix):
        for key in ("observable_value", "value", "name", "pattern"):
            if source.get(key):
                return str(source[key])
    return str(stix["id"])


def _labels(platform: Mapping[str, Any], stix: Mapping[str, Any]) -> tuple[str, ...]:
    on_platform = [str(one["value"]) for one in platform.get("objectLabel") or ()]
    in_message = [
        *(stix.get("labels") or ()),
        *(_attribute(stix, "labels") or ()),
    ]
    return tuple(dict.fromkeys((*on_platform, *map(str, in_message))))


def _files(platform: Mapping[str, Any]) -> Iterable[EntityFile]:
    for one in platform.get("importFiles") or ():
        about = one.get("metaData") or {}
        yield EntityFile(
            id=str(one["id"]),
            name=str(one.get("name") or ""),
            mime_type=str(about.get("mimetype") or "application/octet-stream"),
            size=one.get("size"),
            platform=one,
        )
