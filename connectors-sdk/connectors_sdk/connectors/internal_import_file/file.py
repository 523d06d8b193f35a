"""The file that shall be imported, as an author's code sees it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from connectors_sdk.connectors._mappers import describe_failure, is_bad_data
from connectors_sdk.models.reference import Reference


class UnreadableFile(Exception):
    """The file cannot be read: it is damaged, encrypted, of another kind. The text is what the operator reads."""


@dataclass(frozen=True, slots=True)
class ContextEntity:
    """The entity on whose page a file was uploaded.

    Attributes:
        id: its STIX id.
        type: its type on the platform, e.g. `Report`.
        name: what it is known by.
        is_container: whether it holds other objects (reports, groupings, cases, ...).
        stix: it as a STIX object.
    """

    id: str
    type: str
    name: str
    is_container: bool
    stix: Mapping[str, Any] = field(repr=False)

    @property
    def reference(self) -> Reference:
        """Stands for the entity wherever a model asks for one."""
        return Reference(id=self.id)


@dataclass(slots=True)
class Tally:
    """What happened to what was recognised in a file.

    Attributes:
        filtered: left out on purpose, by reason.
        set_aside: raw records that could not become objects, each with the reason and the mapper.
        refuse: takes each of these at once, where there may be very many; None: they are collected.
        remarks: what else the work says.
        origin: the record that is being converted, and the mapper; None outside of `each`.
    """

    filtered: Counter[str] = field(default_factory=Counter)
    set_aside: list[tuple[Any, str, str]] = field(default_factory=list)
    refuse: Callable[[Any, str, str], None] | None = None
    remarks: list[str] = field(default_factory=list)
    origin: tuple[Any, str] | None = None


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """The file that shall be imported.

    Attributes:
        path: where its content is.
        name: how it was called when it was uploaded.
        mime_type: its type, as the platform sees it.
        size: bytes.
        markings: its markings by name, e.g. `TLP:GREEN`. The runtime gives them to everything that is found.
        entity: the entity on whose page it was uploaded, if any. The runtime attaches what is found to it.
        configuration: text that came with the request, if any.
        prepared: what `before_parse` returned.
    """

    path: Path
    name: str
    mime_type: str
    size: int
    markings: tuple[str, ...] = ()
    entity: ContextEntity | None = None
    configuration: str | None = None
    prepared: Any = None
    tally: Tally = field(default_factory=Tally, repr=False)

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return open(self.path, "rb")

    def filtered(self, reason: str, count: int = 1) -> None:
        """Count what was recognised and left out on purpose, e.g. `filtered("private address")`."""
        self.tally.filtered[reason] += count

    def remark(self, text: str) -> None:
        """Let the work say something more about the file, after the counts: a sentence that the person reads."""
        self.tally.remarks.append(text)

    def set_aside(self, raw: Any, reason: str, mapper: str = "") -> None:
        """Put a record that cannot become an object into the quarantine.

        Args:
            raw: the record, with a JSON form.
            reason: why not, in words.
            mapper: what could not process it.
        """
        if self.tally.refuse is not None:
            self.tally.refuse(raw, reason, mapper)
        else:
            self.tally.set_aside.append((raw, reason, mapper))

    def each(
        self, records: Iterable[Any], mapper: Callable[[Any], Any]
    ) -> Iterator[Any]:
        """Convert records one by one: a bad one is set aside, the rest goes on.

        Args:
            records: what the file consists of.
            mapper: makes one record into an object, several objects (list, generator), or None.
        """
        name = getattr(mapper, "__name__", type(mapper).__name__)
        for record in records:
            try:
                made = mapper(record)
                objects = _objects_of(made)
            # What is the record's fault may be of any kind.
            except Exception as error:  # pylint: disable=broad-exception-caught
                if not is_bad_data(error):
                    raise
                self.set_aside(record, describe_failure(error), name)
                continue
            self.tally.origin = record, name
            yield from objects
            self.tally.origin = None


def _objects_of(made: Any) -> list[Any]:
    if made is None:
        return []
    if isinstance(made, (list, tuple, Iterator)):
        return [one for one in made if one is not None]
    return [made]
