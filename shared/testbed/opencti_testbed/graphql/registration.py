"""What a connector says of itself when it registers.

Source: `RegisterConnectorInput` as the platform's client fills it; values are coerced as GraphQL does (specification of
October 2021, section 3.5 and 3.11).
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from opencti_testbed.graphql.registry import ApiError


class ConnectorType(StrEnum):
    """What connectors do."""

    EXTERNAL_IMPORT = "EXTERNAL_IMPORT"
    INTERNAL_IMPORT_FILE = "INTERNAL_IMPORT_FILE"
    INTERNAL_ENRICHMENT = "INTERNAL_ENRICHMENT"
    INTERNAL_ANALYSIS = "INTERNAL_ANALYSIS"
    INTERNAL_EXPORT_FILE = "INTERNAL_EXPORT_FILE"
    STREAM = "STREAM"


def _id(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


def _list(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


class _Registration(BaseModel):
    # Newer clients may say more.
    model_config = ConfigDict(extra="allow", strict=True)

    id: Annotated[str, BeforeValidator(_id), Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    type: Annotated[ConnectorType, Field(strict=False)]
    scope: Annotated[list[str] | None, BeforeValidator(_list)] = None
    auto: bool | None = None
    auto_update: bool | None = None
    enrichment_resolution: str | None = None
    only_contextual: bool | None = None
    playbook_compatible: bool | None = None
    listen_callback_uri: str | None = None
    version: str | None = None
    slug: str | None = None


def registration(given: Any) -> dict[str, Any]:
    """Return what was declared, with `id`, `name` and `type` as text and `scope` as a list.

    Raises:
        ApiError: something is absent or of another type than the platform takes.
    """
    try:
        declared = _Registration.model_validate(given)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc'])) or 'input'}: {one['msg']}"
            for one in error.errors()
        ]
        raise ApiError(
            "BAD_USER_INPUT", f"registerConnector: {'; '.join(wrong)}"
        ) from error
    # What was not said stays unsaid.
    said = declared.model_dump(mode="json", exclude_unset=True)
    return {**said, "scope": said.get("scope") or []}
