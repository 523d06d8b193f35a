"""From what a source has found to what is sent.

First the findings become an answer that can be kept: plain STIX objects, closed, and what is said about the entity.
Then, for each request anew, an answer becomes objects to send: with author and markings, together with everything that
came with the request. What came in is never changed, but for the entity's own update.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from connectors_sdk.bundles import BundleBuilder, merge_objects
from connectors_sdk.bundles._encode import StixLike, id_of, to_plain
from connectors_sdk.connectors._dressing import (
    Markings,
    give_author,
    is_marked,
    refers_to,
)
from connectors_sdk.connectors.internal_enrichment.entity import (
    Entity,
    EntityUpdate,
    scores,
    updated,
)
from connectors_sdk.connectors.internal_enrichment.scores import ScorePolicy, settle
from connectors_sdk.models.enums import TLPLevel
from connectors_sdk.models.tlp_marking import TLPMarking

_UNBOUNDED = 2**62
_CLEAR = TLPMarking(level=TLPLevel.CLEAR).to_stix_dict()


@dataclass(slots=True)
class Answer:
    """What a source said about one entity.

    Attributes:
        objects: what it found, as closed, JSON-ready STIX objects without duplicates, dependencies first.
        updates: what it said about the entity itself.
    """

    objects: list[dict[str, Any]] = field(default_factory=list)
    updates: list[EntityUpdate] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.objects or self.updates)

    def to_bytes(self) -> bytes:
        """Return the answer in a form that can be kept."""
        return orjson.dumps(
            {"objects": self.objects, "updates": [asdict(u) for u in self.updates]}
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> "Answer":
        """Return the answer that was kept.

        Raises:
            ValueError: it was kept by another version, or damaged.
        """
        try:
            kept = orjson.loads(content)
            return cls(
                [dict(one) for one in kept["objects"]],
                [_update(one) for one in kept["updates"]],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no answer: {error!r}") from error


def collect(
    entity: Entity,
    findings: Iterable[StixLike | EntityUpdate] | None,
    warn: Callable[[str], None],
) -> Answer:
    """Turn what an author's code yields into an answer.

    Args:
        entity: the entity in question; findings may refer to it and to what came with it.
        findings: models, stix2 objects, dictionaries and updates; None for nothing.
        warn: is told of references that nobody supplies; they are dropped.

    Raises:
        connectors_sdk.bundles.BundleError: something that is not a STIX object.
    """
    answer = Answer()
    stix: list[StixLike] = []
    for one in findings or ():
        if isinstance(one, EntityUpdate):
            answer.updates.append(one)
        else:
            stix.append(one)
    yielded = {id_of(one) for one in stix}
    at_hand = {str(one.get("id")) for one in entity.objects} | {entity.id}
    builder = BundleBuilder(
        max_objects=_UNBOUNDED,
        max_bytes=_UNBOUNDED,
        resolve=lambda ref: _stand_in(ref) if ref in at_hand else None,
        on_dangling="drop",
    )
    for bundle in (*builder.add_all(stix), *builder.flush()):
        # Objects that stand in for what came with the request are needed no longer.
        answer.objects += [
            one
            for one in bundle.objects
            if one["id"] in yielded or one["id"] not in at_hand
        ]
    for lost, missing in builder.dropped.items():
        warn(f"{lost} refers to {', '.join(missing)}, which nobody supplies: dropped")
    return answer


@dataclass(frozen=True, slots=True)
class Composition:
    """What is sent.

    Attributes:
        objects: everything that came with the request and what was found, dependencies not in any order.
        found: how many objects were found.
        score: the score that the entity got, None when it stays as it is.
        changed: whether anything is new or different at all.
    """

    objects: list[dict[str, Any]]
    found: int
    score: int | None
    changed: bool


def compose(
    entity: Entity,
    answer: Answer,
    *,
    author: StixLike,
    findings_marking: StixLike,
    policy: ScorePolicy,
) -> Composition:
    """Join an answer with what came with the request.

    Args:
        entity: the entity in question.
        answer: what the source said.
        author: of findings that name none.
        findings_marking: the TLP of findings that have no marking.
        policy: what becomes of scores.
    """
    author_form, marking_form = to_plain(author)[0], to_plain(findings_marking)[0]
    markings = Markings([*entity.objects, *answer.objects, marking_form])
    own = [str(one) for one in entity.stix.get("object_marking_refs") or ()]
    stix, score = _updated_entity(entity, answer.updates, policy)
    composed = {str(one["id"]): dict(one) for one in entity.objects}
    composed[entity.id] = stix
    authored = False
    for finding in answer.objects:
        one = dict(finding)
        if one["id"] != entity.id:
            authored |= give_author(one, author_form["id"])
            if not is_marked(one):
                # What everybody may know stays so; that it has to do with the entity is as secret as the entity.
                also = own if refers_to(one, entity.id) else []
                markings.mark(one, [marking_form["id"], *also])
        before = composed.get(one["id"])
        composed[one["id"]] = one if before is None else merge_objects(before, one)
    if answer.objects:
        composed.setdefault(marking_form["id"], marking_form)
    if authored and author_form["id"] not in composed:
        if not is_marked(author_form):
            # Who says so is no secret, whatever is said.
            author_form["object_marking_refs"] = [_CLEAR["id"]]
            composed.setdefault(_CLEAR["id"], _CLEAR)
        composed[author_form["id"]] = author_form
    return Composition(
        list(composed.values()),
        found=len(answer.objects),
        score=score,
        changed=bool(answer.objects) or stix != entity.stix,
    )


def _updated_entity(
    entity: Entity, updates: Iterable[EntityUpdate], policy: ScorePolicy
) -> tuple[dict[str, Any], int | None]:
    stix: dict[str, Any] = dict(entity.stix)
    present = list(scores(entity.platform, entity.stix))
    score = None
    for update in updates:
        if update.score is not None:
            settled = settle(present, update.score, policy)
            if settled != next((one for one in present if one is not None), None):
                score = settled
            present.insert(0, settled)
        stix = updated(stix, update, score)
    return stix, score


def _stand_in(stix_id: str) -> dict[str, Any]:
    return {"type": stix_id.partition("--")[0], "id": stix_id}


def _update(kept: Mapping[str, Any]) -> EntityUpdate:
    return EntityUpdate(
        score=kept["score"],
        labels=tuple(kept["labels"]),
        external_references=tuple(kept["external_references"]),
        description=kept["description"],
    )
