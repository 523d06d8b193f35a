"""From what was found in a file to bundles: checked one by one, marked like the file, attached to its entity."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from connectors_sdk.bundles import Bundle, BundleBuilder, BundleError
from connectors_sdk.bundles._encode import StixLike, id_of, to_plain
from connectors_sdk.bundles._fingerprints import Fingerprints
from connectors_sdk.connectors._dressing import Markings, can_be_marked, give_author
from connectors_sdk.connectors.internal_import_file.file import ContextEntity
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.relationship import Relationship

_ID = re.compile(r"([a-z][a-z0-9-]*)--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ESSENTIAL = {
    "relationship": ("relationship_type", "source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "indicator": ("pattern", "pattern_type"),
}
# One of these says what a marking is: those of TLP 2.0 have an extension instead of a definition (STIX 2.1, section 7.2.1).
_MARKED_BY = ("definition_type", "x_opencti_definition", "extensions")
# What is no content: it is never attached to the entity of the context.
_NO_CONTENT = ("marking-definition", "extension-definition", "language-content")
# What has no relationships of its own to other entities.
_UNRELATED = (*_NO_CONTENT, "relationship", "sighting", "bundle")


class TooManyObjects(ValueError):
    """More objects were found than may be."""


@dataclass(frozen=True, slots=True)
class Dress:
    """What all objects of a file get.

    Attributes:
        markings: definitions of the file's markings.
        context: the entity to which they are attached, if any.
        author: whom they come from if they do not say it themselves; None: nobody.
    """

    markings: tuple[Mapping[str, Any], ...] = ()
    context: ContextEntity | None = None
    author: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Findings:
    """Makes bundles of what was found.

    Attributes:
        dress: what all objects get.
        max_objects: how many there may be.
        refuse: takes each object that is none, with the reason.
        look_up: returns what the file holds under an id; None: it is what `objects` said, no more.
        found: how many different objects went into bundles, without those that the runtime has added.
    """

    dress: Dress
    max_objects: int
    refuse: Callable[[Any, str], None]
    look_up: Callable[[str], StixLike | None] | None = None
    found: int = 0
    _seen: Fingerprints = field(default_factory=partial(Fingerprints, False))

    def bundles(self, objects: Iterable[StixLike]) -> Iterator[Bundle]:
        """Yield closed bundles of the objects that are valid.

        Raises:
            TooManyObjects: there are more than may be.
        """
        # Who knows the whole file knows what is missing in it: the platform may have that.
        whole = self.look_up is not None
        builder = BundleBuilder(
            on_dangling="keep" if whole else "drop",
            resolve=self._stand_in,
            wait=not whole,
        )
        for one in self._valid(objects):
            for bundle in builder.add(one):
                yield self._dressed(bundle)
        for bundle in builder.flush():
            yield self._dressed(bundle)
        for lost, missing in builder.dropped.items():
            self.refuse(
                {"id": lost},
                f"refers to {', '.join(missing)}, which the file does not hold",
            )

    def _valid(self, objects: Iterable[StixLike]) -> Iterator[StixLike]:
        count = 0
        for one in objects:
            count += 1
            # Duplicates count here: whoever finds the same for ever must come to an end.
            if count > 2 * self.max_objects:
                raise self._too_many()
            try:
                # Before it is converted: it may be no object at all.
                id_of(one)
                check(to_plain(one)[0])
            except (BundleError, ValueError, TypeError) as error:
                self.refuse(one, str(error))
                continue
            yield one

    def _stand_in(self, stix_id: str) -> dict[str, Any] | None:
        """Let findings refer to the entity of the context."""
        context = self.dress.context
        if context and stix_id == context.id:
            return dict(_bare(context.stix))
        return self.look_up(stix_id) if self.look_up else None

    def _dressed(self, bundle: Bundle) -> Bundle:
        context, author = self.dress.context, self.dress.author
        definitions = {str(one["id"]): dict(one) for one in self.dress.markings}
        objects = {one["id"]: one for one in bundle.objects}
        markings = Markings([*objects.values(), *definitions.values()])
        own = [one for key, one in objects.items() if not context or key != context.id]
        self._count(one["id"] for one in own if can_be_marked(one))
        authored = False
        for one in own:
            if author is not None:
                authored |= give_author(one, str(author["id"]))
            markings.mark(one, definitions)
        if authored and author is not None:
            objects.setdefault(str(author["id"]), dict(author))
        if any(can_be_marked(one) for one in own):
            for key, definition in definitions.items():
                objects.setdefault(key, definition)
        if context is not None:
            self._attach(context, own, objects, list(definitions))
        return _bundle(objects, bundle.external)

    def _count(self, ids: Iterable[str]) -> None:
        for one in ids:
            self._seen.note(one)
        self.found = len(self._seen)
        if self.found > self.max_objects:
            raise self._too_many()

    def _too_many(self) -> TooManyObjects:
        return TooManyObjects(
            f"there are more than {self.max_objects} objects in the file"
        )

    def _attach(
        self,
        context: ContextEntity,
        own: list[dict[str, Any]],
        objects: dict[str, dict[str, Any]],
        marking_ids: list[str],
    ) -> None:
        author_id = (self.dress.author or {}).get("id")
        content = [
            one
            for one in own
            if one["type"] not in _NO_CONTENT and one["id"] != author_id
        ]
        entity = dict(_bare(context.stix))
        if context.is_container:
            if content:
                entity["object_refs"] = [one["id"] for one in content]
                objects[context.id] = entity
            return
        linked = {
            end
            for one in own
            if one["type"] == "relationship" and context.id in _ends(one)
            for end in _ends(one)
        }
        for one in content:
            if one["type"] in _UNRELATED or one["id"] in linked:
                continue
            relationship = Relationship(
                type="related-to",
                source=Reference(id=one["id"]),
                target=context.reference,
            ).to_stix_dict()
            if marking_ids:
                relationship["object_marking_refs"] = marking_ids
            if author_id:
                relationship["created_by_ref"] = author_id
                objects.setdefault(str(author_id), dict(self.dress.author or {}))
            objects[relationship["id"]] = relationship
            objects[context.id] = entity


def check(form: Mapping[str, Any]) -> None:
    """Look whether an object can be what it says it is.

    Raises:
        ValueError: it cannot; the text says why.
    """
    stix_type = form.get("type")
    if not isinstance(stix_type, str) or not stix_type:
        raise ValueError("an object without a type")
    found = _ID.fullmatch(str(form.get("id")))
    if found is None:
        raise ValueError(f"{form.get('id')!r} is no STIX id")
    if found.group(1) not in (stix_type, f"x-opencti-{stix_type}"):
        raise ValueError(f"the id of a {stix_type} begins with {found.group(1)}")
    for key in _ESSENTIAL.get(stix_type, ()):
        if not form.get(key):
            raise ValueError(f"a {stix_type} without {key}")
    if stix_type == "marking-definition" and not any(map(form.get, _MARKED_BY)):
        raise ValueError("a marking-definition that does not say what it is")


def _ends(relationship: Mapping[str, Any]) -> tuple[str, str]:
    return str(relationship["source_ref"]), str(relationship["target_ref"])


def _bare(stix: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entity that the platform has without what it refers to: nothing is cleared by absence."""
    return {
        key: value
        for key, value in stix.items()
        if not key.endswith(("_ref", "_refs")) and key != "x_opencti_files"
    }


def _bundle(objects: Mapping[str, dict[str, Any]], external: Iterable[str]) -> Bundle:
    return Bundle(
        [(key, orjson.dumps(one)) for key, one in objects.items()],
        external=[one for one in external if one not in objects],
    )
