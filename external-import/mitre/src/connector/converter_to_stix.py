"""What ATT&CK's objects mean in OpenCTI.

Source: ATT&CK's STIX extensions, https://github.com/mitre-attack/attack-stix-data/blob/master/USAGE.md
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

from mitre_client import Collection, Record

from connectors_sdk.models import (
    AttackPattern,
    BaseIdentifiedEntity,
    Campaign,
    CourseOfAction,
    DataComponent,
    DataSource,
    ExternalReference,
    Infrastructure,
    IntrusionSet,
    KillChainPhase,
    Malware,
    OrganizationAuthor,
    Reference,
    Relationship,
    StatementMarking,
    TLPMarking,
    Tool,
)
from connectors_sdk.models.enums import TLPLevel

# Ends of relationships that are kept ready; one object comes to some kilobytes.
ENDS_KEPT = 1000
STRATEGY, ANALYTIC = "x-mitre-detection-strategy", "x-mitre-analytic"


class ConverterToStix:
    """Converts the objects of one collection."""

    def __init__(self, collection: Collection, tlp: str, statement: bool) -> None:
        """Look up what all objects share.

        Args:
            collection: a collection that was read.
            tlp: TLP level of everything.
            statement: whether everything carries ATT&CK's statement marking.
        """
        self._collection = collection
        self.author = self._author()
        self._markings: list[TLPMarking | StatementMarking | Reference] = [
            TLPMarking(level=TLPLevel(tlp))
        ]
        if statement:
            self._markings += self._statements()
        self._order = self._phase_order()
        self._strategies = self._strategies_by_technique()
        # An instance's memory of converted objects, gone with the instance.
        self.entity = lru_cache(ENDS_KEPT)(self._entity)

    # -- what all objects share ----------------------------------------------------------------------------------

    def _author(self) -> OrganizationAuthor:
        for record in self._collection.of_type("identity"):
            return OrganizationAuthor(
                name=record.data["name"],
                description=record.data.get("description"),
                created=record.data.get("created"),
                modified=record.data.get("modified"),
                stix_ids=[record.id],
            )
        return OrganizationAuthor(name="The MITRE Corporation")

    def _statements(self) -> Iterator[StatementMarking]:
        for record in self._collection.of_type("marking-definition"):
            statement = (record.data.get("definition") or {}).get("statement")
            if statement:
                yield StatementMarking(statement=statement)

    def _phase_order(self) -> dict[str, int]:
        """Return the place of each tactic, by its short name, in the matrix of the collection."""
        order: dict[str, int] = {}
        for matrix in self._collection.of_type("x-mitre-matrix"):
            if matrix.withdrawn:
                continue
            for place, tactic_id in enumerate(matrix.data.get("tactic_refs") or []):
                tactic = self._collection.get(tactic_id)
                if tactic is not None:
                    order.setdefault(str(tactic.data.get("x_mitre_shortname")), place)
        return order

    def _strategies_by_technique(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record in self._collection.of_type("relationship"):
            ends = record.data.get("source_ref", ""), record.data.get("target_ref", "")
            if ends[0].startswith(STRATEGY) and not record.withdrawn:
                found.setdefault(ends[1], []).append(ends[0])
        return found

    # -- entities -----------------------------------------------------------------------------------------------

    def _entity(self, stix_id: str) -> BaseIdentifiedEntity | None:
        """Return the model of an object, or None for a type that is no object of its own.

        Raises:
            ValueError: the object cannot be converted.
        """
        record = self._collection.get(stix_id)
        convert = _CONVERTERS.get(record.type) if record else None
        if record is None or convert is None:
            return None
        return convert(self, record)

    def _common(self, record: Record) -> dict[str, Any]:
        data = record.data
        return {
            "name": data.get("name"),
            "description": data.get("description"),
            **self._provenance(record),
            "stix_ids": [record.id],
        }

    def _provenance(self, record: Record) -> dict[str, Any]:
        data = record.data
        return {
            "author": self.author,
            "markings": self._markings,
            "created": data.get("created"),
            "modified": data.get("modified"),
            "revoked": record.withdrawn or None,
            "external_references": [
                ExternalReference(
                    source_name=reference["source_name"],
                    description=reference.get("description"),
                    url=reference.get("url"),
                    external_id=reference.get("external_id"),
                )
                for reference in data.get("external_references") or []
                if reference.get("source_name")
            ],
        }

    def _attack_pattern(self, record: Record) -> AttackPattern:
        data = record.data
        return AttackPattern(
            **self._common(record),
            mitre_id=attack_id(record),
            aliases=_aliases(data),
            kill_chain_phases=[
                KillChainPhase(
                    chain_name=phase["kill_chain_name"],
                    phase_name=phase["phase_name"],
                    order=self._order.get(phase["phase_name"]),
                )
                for phase in data.get("kill_chain_phases") or []
            ],
            mitre_detection=self._detection(record),
            mitre_platforms=data.get("x_mitre_platforms"),
            mitre_required_permissions=data.get("x_mitre_permissions_required"),
        )

    def _campaign(self, record: Record) -> Campaign:
        return Campaign(
            **self._common(record),
            aliases=_aliases(record.data),
            first_seen=record.data.get("first_seen"),
            last_seen=record.data.get("last_seen"),
        )

    def _course_of_action(self, record: Record) -> CourseOfAction:
        return CourseOfAction(**self._common(record), mitre_id=attack_id(record))

    def _intrusion_set(self, record: Record) -> IntrusionSet:
        return IntrusionSet(**self._common(record), aliases=_aliases(record.data))

    def _malware(self, record: Record) -> Malware:
        return Malware(
            **self._common(record),
            is_family=bool(record.data.get("is_family", True)),
            aliases=_aliases(record.data),
        )

    def _tool(self, record: Record) -> Tool:
        return Tool(**self._common(record), aliases=_aliases(record.data))

    def _asset(self, record: Record) -> Infrastructure:
        # Names of related assets are no aliases: several assets share them, and what shares an alias is one thing to
        # the platform.
        related = record.data.get("x_mitre_related_assets") or []
        names = ", ".join(asset["name"] for asset in related if asset.get("name"))
        common = self._common(record)
        if names:
            common["description"] = "\n\n".join(
                text
                for text in (common["description"], f"Related assets: {names}")
                if text
            )
        return Infrastructure(**common)

    def _data_source(self, record: Record) -> DataSource:
        return DataSource(
            **self._common(record),
            mitre_platforms=record.data.get("x_mitre_platforms"),
            collection_layers=record.data.get("x_mitre_collection_layers"),
        )

    def _data_component(self, record: Record) -> DataComponent:
        common = self._common(record)
        sources = [
            f"- {source.get('name')}: {source.get('channel')}"
            for source in record.data.get("x_mitre_log_sources") or []
        ]
        if sources:
            common["description"] = "\n".join(
                [common["description"] or "", "", "Log sources:", *sources]
            ).strip()
        source = self._collection.get(record.data.get("x_mitre_data_source_ref") or "")
        # A data source that was withdrawn says nothing any more.
        usable = source is not None and not source.withdrawn
        return DataComponent(
            **common,
            data_source=(
                cast(DataSource, self.entity(source.id)) if source and usable else None
            ),
        )

    # -- detection: strategies and analytics are text of the technique that they detect ---------------------------

    def detecting(self, record: Record) -> list[tuple[Record, list[Record]]]:
        """Return the strategies that detect a technique, each with its analytics."""
        found = []
        for strategy_id in self._strategies.get(record.id, ()):
            strategy = self._collection.get(strategy_id)
            if strategy is None or strategy.withdrawn:
                continue
            analytics = map(
                self._collection.get, strategy.data.get("x_mitre_analytic_refs") or []
            )
            found.append((strategy, [a for a in analytics if a and not a.withdrawn]))
        return found

    def _detection(self, record: Record) -> str | None:
        parts = [record.data.get("x_mitre_detection") or ""]
        for strategy, analytics in self.detecting(record):
            parts.append(f"{attack_id(strategy)} {strategy.data.get('name')}")
            parts += map(self._analytic_text, analytics)
        return "\n\n".join(filter(None, parts)) or None

    @staticmethod
    def _analytic_text(analytic: Record) -> str:
        data = analytic.data
        platforms = ", ".join(data.get("x_mitre_platforms") or [])
        lines = [
            f"{attack_id(analytic)} {data.get('name')}"
            + (f" ({platforms})" if platforms else ""),
            data.get("description") or "",
        ]
        lines += [
            f"- log source {source.get('name')}: {source.get('channel')}"
            for source in data.get("x_mitre_log_source_references") or []
        ]
        lines += [
            f"- to adapt: {element.get('field')}: {element.get('description')}"
            for element in data.get("x_mitre_mutable_elements") or []
        ]
        return "\n".join(filter(None, lines))

    def modified(self, record: Record) -> str:
        """Return when an object was changed last, the detection that it carries included."""
        if record.type != "attack-pattern":
            return record.modified
        dates = [record.modified]
        for strategy, analytics in self.detecting(record):
            dates += [strategy.modified, *(analytic.modified for analytic in analytics)]
        return max(dates)

    def components_of(self, strategy_id: str) -> list[str]:
        """Return the ids of the data components that a detection strategy uses."""
        strategy = self._collection.get(strategy_id)
        if strategy is None:
            return []
        return list(
            dict.fromkeys(
                source["x_mitre_data_component_ref"]
                for analytic_id in strategy.data.get("x_mitre_analytic_refs") or []
                if (analytic := self._collection.get(analytic_id))
                for source in analytic.data.get("x_mitre_log_source_references") or []
                if source.get("x_mitre_data_component_ref")
            )
        )

    # -- relationships ------------------------------------------------------------------------------------------

    def relationship(
        self,
        record: Record,
        source: BaseIdentifiedEntity | Reference,
        target: BaseIdentifiedEntity | Reference,
    ) -> Relationship:
        """Return the model of a relationship between two converted ends.

        Raises:
            ValueError: the relationship cannot be converted.
        """
        return Relationship(
            **self._provenance(record),
            type=record.data.get("relationship_type"),
            source=source,
            target=target,
            description=record.data.get("description"),
            start_time=record.data.get("start_time"),
            stop_time=record.data.get("stop_time"),
        )


_CONVERTERS: dict[str, Callable[[ConverterToStix, Record], BaseIdentifiedEntity]] = {
    # pylint: disable=protected-access
    "attack-pattern": ConverterToStix._attack_pattern,
    "campaign": ConverterToStix._campaign,
    "course-of-action": ConverterToStix._course_of_action,
    "intrusion-set": ConverterToStix._intrusion_set,
    "malware": ConverterToStix._malware,
    "tool": ConverterToStix._tool,
    "x-mitre-asset": ConverterToStix._asset,
    "x-mitre-data-component": ConverterToStix._data_component,
    "x-mitre-data-source": ConverterToStix._data_source,
}


def attack_id(record: Record) -> str | None:
    """Return an object's ATT&CK id (`T1059`, `M1036`, ...), or None."""
    for reference in record.data.get("external_references") or []:
        if str(reference.get("source_name", "")).startswith("mitre"):
            found = reference.get("external_id")
            return str(found) if found else None
    return None


def _aliases(data: dict[str, Any]) -> list[str]:
    """Return the names of an object besides its name."""
    names = [*(data.get("aliases") or []), *(data.get("x_mitre_aliases") or [])]
    return [name for name in dict.fromkeys(names) if name != data.get("name")]
