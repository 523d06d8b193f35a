"""One object on its way into a bundle."""

from collections.abc import Sequence
from typing import Any

import orjson

from connectors_sdk.bundles._encode import StixLike, id_of, to_plain
from connectors_sdk.bundles._merge import merge_objects
from connectors_sdk.bundles._references import references_of, without_references
from connectors_sdk.bundles.errors import BundleError


class Entry:
    """The JSON bytes of an object, what it refers to, and the models it was made from.

    Attributes:
        id: STIX id.
        data: compact JSON bytes.
        refs: ids that the object refers to.
        models: the models behind it, which hold the models that they refer to. Empty for stix2 objects and
            dictionaries, which hold ids only.
    """

    __slots__ = ("id", "data", "refs", "models", "_referenced")

    def __init__(
        self,
        stix_id: str,
        data: bytes,
        refs: tuple[str, ...],
        models: tuple[Any, ...] = (),
    ) -> None:
        self.id = stix_id
        self.data = data
        self.refs = refs
        self.models = models
        self._referenced: dict[str, Any] | None = None

    @classmethod
    def of(cls, stix: StixLike) -> "Entry":
        """Make an entry of a model, stix2 object or dictionary.

        Raises:
            BundleError: the object has no id or type, or no JSON form.
        """
        stix_id = id_of(stix)
        plain, data = to_plain(stix)
        if not plain.get("type"):
            raise BundleError(f"{stix_id} has no type")
        if not hasattr(stix, "referenced_objects"):
            return cls(stix_id, data, references_of(plain))
        # Most models know where their references are.
        refs = stix.reference_ids(plain) if hasattr(stix, "reference_ids") else None
        return cls(
            stix_id, data, references_of(plain) if refs is None else refs, (stix,)
        )

    @classmethod
    def of_versions(cls, versions: Sequence[StixLike]) -> "Entry":
        """Make one entry of several versions of the same object, the oldest first."""
        entry = cls.of(versions[0])
        for version in versions[1:]:
            entry = entry.merged_with(cls.of(version)) or entry
        return entry

    @classmethod
    def of_bytes(cls, stix_id: str, data: bytes) -> "Entry":
        """Make an entry of the JSON bytes of an object."""
        return cls(stix_id, data, references_of(orjson.loads(data)))

    def merged_with(self, other: "Entry") -> "Entry | None":
        """Return this entry with a later version merged into it, or None when that changes nothing."""
        if self.data == other.data:
            return None
        plain = merge_objects(orjson.loads(self.data), orjson.loads(other.data))
        data = orjson.dumps(plain)
        if data == self.data:
            return None
        return Entry(self.id, data, references_of(plain), (*self.models, *other.models))

    def without(self, missing: set[str]) -> "Entry | None":
        """Return this entry without references to `missing`; None when nothing useful is left."""
        plain = without_references(orjson.loads(self.data), missing)
        if plain is None:
            return None
        return Entry(self.id, orjson.dumps(plain), references_of(plain), self.models)

    def embedded(self, ref: str) -> "Entry | None":
        """Return the object of this id that one of the models holds, or None."""
        if self._referenced is None:
            self._referenced = {
                referenced.id: referenced
                for model in self.models
                for referenced in model.referenced_objects()
            }
        model = self._referenced.get(ref)
        return None if model is None else Entry.of(model)
