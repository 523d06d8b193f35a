"""A running program."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.file import File
from connectors_sdk.models.network_traffic import NetworkTraffic
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.user_account import UserAccount


class Process(BaseObservableEntity):
    """A running program (STIX `process`).

    Attributes:
        pid: number of the process.
        command_line: how it was started.
        cwd: its directory.
        is_hidden: true if it hides.
        created_time: when it was started.
        environment_variables: its environment.
        opened_connections: its connections.
        creator_user: who started it.
        image: the program.
        parent: the process that started it.
        children: processes that it started.
    """

    _stix_type: ClassVar[str] = "process"
    _stix2_class: ClassVar[str] = "Process"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "opened_connections": "opened_connection_refs",
        "creator_user": "creator_user_ref",
        "image": "image_ref",
        "parent": "parent_ref",
        "children": "child_refs",
    }
    _opencti_type: ClassVar[str] = "Process"
    _id_fields: ClassVar[tuple[str, ...]] = ()
    _pattern_fields: ClassVar[tuple[str, ...] | None] = ("pid", "command_line")

    pid: int | None = Field(default=None, ge=0)
    command_line: str | None = None
    cwd: str | None = None
    is_hidden: bool | None = None
    created_time: AwareDatetime | None = None
    environment_variables: dict[str, str] | None = None
    opened_connections: list[NetworkTraffic | Reference] | None = None
    creator_user: UserAccount | Reference | None = None
    image: File | Reference | None = None
    parent: "Process | Reference | None" = None
    children: "list[Process | Reference] | None" = None

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if all(self.__dict__[step.field] in (None, [], {}) for step in self._own_plan):
            raise ValueError("a process needs at least one property")
        return self
