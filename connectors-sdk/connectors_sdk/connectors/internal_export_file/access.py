"""What may stand in a file: nothing that has an excluded marking, and nothing that the requesting user cannot see.

The platform leaves out what the access filter excludes, as long as it is asked with it. Some things it tells all the
same: the author of an entity, and the ids of what an entity refers to. They are asked for by id, with the filter.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_REMEMBERED = 50_000
_ASKED_AT_ONCE = 200
# What an entity has of its own, or what has no markings: these may always be told.
_OWN = frozenset(
    """objectMarking objectLabel killChainPhases externalReferences creators objectAssignee objectParticipant status
    workflow importFiles exportFiles pendingFiles""".split()
)


def joined(*groups: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the filter that all of these make together; None when there is none."""
    given = [dict(group) for group in groups if group]
    if not given:
        return None
    return {"mode": "and", "filters": [], "filterGroups": given}


def among(ids: Iterable[str]) -> dict[str, Any]:
    """Return the filter for entities of these ids."""
    one = {"key": "ids", "values": list(ids), "mode": "or", "operator": "eq"}
    return {"mode": "and", "filters": [one], "filterGroups": []}


class NoProgress(RuntimeError):
    """The platform gives the same page again and again."""


class WrongAnswer(RuntimeError):
    """The platform's answer is not what its API promises."""


def ask(lister: Callable[..., Any], what: str, **arguments: Any) -> Any:
    """Return what one of pycti's lists gives.

    Args:
        lister: `list` of one of pycti's entities.
        what: is listed, for the error.
        arguments: of the list.

    Raises:
        WrongAnswer: it cannot be a list, or it has something in it that is no object of the platform.
    """
    try:
        answer = lister(**arguments)
        found = answer["entities"] if arguments.get("withPagination") else answer
        if arguments.get("withPagination"):
            _ = answer["pagination"]["hasNextPage"], answer["pagination"]["endCursor"]
        if all(one["id"] for one in found or ()):
            return answer
    except (TypeError, LookupError, AttributeError) as error:
        raise WrongAnswer(_not_what_it_should_be(what)) from error
    raise WrongAnswer(_not_what_it_should_be(what))


def _not_what_it_should_be(what: str) -> str:
    return f"the platform's answer to a list of {what} is not what its API promises"


class Access:
    """Knows what may stand in a file."""

    def __init__(
        self, api: Any, access: Mapping[str, Any] | None, excluded: Iterable[str]
    ) -> None:
        """Bind pycti's client that acts for the requesting user, the access filter, and the excluded markings."""
        self._api = api
        self._access = access
        self._excluded = frozenset(excluded)
        self._known: OrderedDict[str, bool] = OrderedDict()

    @property
    def restricts(self) -> bool:
        """Whether anything is left out."""
        return bool(self._excluded)

    def allows(self, entity: Mapping[str, Any]) -> bool:
        """Return whether an entity, as the platform's API gives it, has no excluded marking."""
        markings = entity.get("objectMarking") or ()
        return not any(
            marking.get(key) in self._excluded
            for marking in markings
            for key in ("id", "standard_id")
        )

    def visible(self, ids: Iterable[str]) -> set[str]:
        """Return those of the ids whose objects are there, and may stand in the file."""
        wanted = set(ids)
        unknown = [one for one in wanted if one not in self._known]
        for start in range(0, len(unknown), _ASKED_AT_ONCE):
            self._ask(unknown[start : start + _ASKED_AT_ONCE])
        found = {one for one in wanted if self._known[one]}
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    def without_hidden(self, entity: dict[str, Any]) -> dict[str, Any] | None:
        """Return an entity without what may not stand in the file; None when nothing is left of it.

        Args:
            entity: as the platform's API gives it; changed in place.
        """
        if not self.allows(entity):
            return None
        ends = [entity[key] for key in ("from", "to") if key in entity]
        if not all(ends):
            # The user may see a relationship, but not what it joins.
            return None
        if not self.restricts:
            return entity
        nested = _nested(entity)
        visible = self.visible(_ids(nested))
        if any(end["id"] not in visible for end in ends):
            return None
        for key, value in nested.items():
            if isinstance(value, list):
                entity[key] = [
                    one for one in value if not _mentioned(one) or one["id"] in visible
                ]
                if f"{key}Ids" in entity:
                    entity[f"{key}Ids"] = [one["id"] for one in entity[key]]
            elif value["id"] not in visible:
                entity[key] = None
                if f"{key}Id" in entity:
                    entity[f"{key}Id"] = None
        return entity

    def look_up(self, entities: Iterable[Mapping[str, Any]]) -> None:
        """Ask at once what `without_hidden` has to know about these entities."""
        if self.restricts:
            self.visible(id_ for one in entities for id_ in _ids(_nested(one)))

    def _ask(self, ids: list[str]) -> None:
        self._known.update(dict.fromkeys(ids, False))
        found = ask(
            self._api.opencti_stix_object_or_stix_relationship.list,
            "objects",
            filters=joined(among(ids), self._access),
            first=len(ids),
        )
        for one in found or ():
            for key in ("id", "standard_id"):
                if one.get(key) in self._known:
                    self._known[one[key]] = True


def _nested(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an entity that hold other entities."""
    return {
        key: value
        for key, value in entity.items()
        if key not in _OWN and _mentioned(value)
    }


def _ids(nested: Mapping[str, Any]) -> Iterator[str]:
    for value in nested.values():
        yield from (str(one["id"]) for one in _mentioned(value))


def _mentioned(value: Any) -> list[Mapping[str, Any]]:
    """Return the entities that are nested in a value: it is one, or a list of some."""
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, Mapping) and "id" in one]
