"""What a user may see: objects all of whose markings are allowed to one of the user's groups."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson

from opencti_testbed.store.administration import Administration
from opencti_testbed.store.objects import Objects, Stored

MARKING = "Marking-Definition"
ADMINISTRATORS = "Administrators"
_HIDDEN = (
    "EXISTS (SELECT 1 FROM ref h WHERE h.pk = o.pk AND h.key = 'object_marking_refs'"
    " AND h.target IN (SELECT value FROM json_each(?)))"
)


class Kept(Protocol):
    """What is looked at: a store."""

    objects: Objects
    administration: Administration

    @property
    def user_id(self) -> str:
        """The id of the platform's own user."""


def markings(objects: Objects) -> list[Stored]:
    """Return all marking definitions."""
    return objects.page(MARKING, "", 0, 10_000)


def hidden_markings(store: Kept, user_id: str | None) -> list[Stored]:
    """Return the markings that a user may not see: those that no group of theirs allows.

    The platform's own user, and whoever is in the group of administrators, sees everything.
    """
    administration = store.administration
    user = administration.get(user_id, "User") if user_id else None
    if user is None or user_id == store.user_id:
        return []
    allowed: set[str] = set()
    for group_id in user.get("groups") or ():
        group = administration.get(str(group_id), "Group") or {}
        if group.get("name") == ADMINISTRATORS:
            return []
        allowed |= {str(one) for one in group.get("allowed_marking") or ()}
    return [
        one
        for one in markings(store.objects)
        if allowed.isdisjoint((one.internal_id, one.standard_id))
    ]


class VisibleObjects(Objects):
    """The stored objects without those that carry one of some markings; what is not visible cannot be found."""

    # pylint: disable-next=super-init-not-called  # there is nothing to build: everything is shared
    def __init__(self, objects: Objects, hidden: Iterable[Stored]) -> None:
        """Look at the same objects; `hidden` are the markings."""
        # The same database, journal, index and memory of ids: only what is read is narrowed.
        vars(self).update(vars(objects))
        marked = list(hidden)
        self._hidden = frozenset(one.standard_id for one in marked)
        self._targets = orjson.dumps([one.pk for one in marked]).decode()

    def hides(self, data: Mapping[str, Any]) -> bool:
        """Return whether an object of such a content (STIX) is not shown to whoever asks."""
        return not self._hidden.isdisjoint(data.get("object_marking_refs") or ())

    def by_pk(self, pk: int) -> Stored | None:
        """Return the object of a key, or None."""
        return next(self._visible([super().by_pk(pk)]), None)

    def by_pks(self, pks: Iterable[int]) -> list[Stored]:
        """Return the objects of some keys, in the order of their keys."""
        return list(self._visible(super().by_pks(pks)))

    def referrers(self, *args: Any, **kwargs: Any) -> list[Stored]:
        """Return the objects that refer to an object."""
        return list(self._visible(super().referrers(*args, **kwargs)))

    def query(
        self, where: str, parameters: Iterable[Any], *args: Any, **kwargs: Any
    ) -> list[Stored]:
        """Return a page of objects."""
        return super().query(*self._narrowed(where, parameters), *args, **kwargs)

    def keys(
        self, where: str, parameters: Iterable[Any], *, source: str = "object o"
    ) -> list[int]:
        """Return the keys of all objects that fulfil a condition."""
        return super().keys(*self._narrowed(where, parameters), source=source)

    def _narrowed(
        self, where: str, parameters: Iterable[Any]
    ) -> tuple[str, tuple[Any, ...]]:
        return f"({where}) AND NOT {_HIDDEN}", (*parameters, self._targets)

    def stored(self, connection: Any, pk: int) -> Stored:
        """Return an object as the writer sees it.

        Raises:
            LookupError: there is none, or it is not visible.
        """
        found = super().stored(connection, pk)
        if next(self._visible([found]), None) is None:
            raise LookupError(f"no object has the key {pk}")
        return found

    def _visible(self, found: Iterable[Stored | None]) -> Any:
        return (one for one in found if one is not None and not self.hides(one.data))
