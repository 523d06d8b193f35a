"""Pydantic models that warn where others refuse: recommended fields, open lists of values, unexpected keys."""

import warnings as python_warnings
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")

Location = tuple[int | str, ...]


class FieldWarning(Warning):
    """Something about one field deserves attention.

    Args:
        type_: Kind of warning, e.g. `missing_recommended`.
        loc: Where: field names and indexes.
        msg: What, in words.
        input_: The value concerned.
    """

    def __init__(self, type_: str, loc: Location, msg: str, input_: Any) -> None:
        super().__init__(type_, loc, msg, input_)
        self.type = type_
        self.loc = loc
        self.msg = msg
        self.input = input_

    def __str__(self) -> str:
        place = ".".join(map(str, self.loc))
        details = f"['type':{self.type!r}, 'input_value': {self.input!r}]"
        return f"{place}\n  {self.msg} {details}"


class ValidationWarning(Warning):
    """All that deserves attention about one model instance.

    Args:
        model: Class of the instance.
        warnings: What deserves attention.
    """

    def __init__(
        self, model: type[BaseModel], warnings: Sequence[FieldWarning]
    ) -> None:
        super().__init__(model, warnings)
        self.model = model
        self.warnings = list(warnings)

    @property
    def warnings_count(self) -> int:
        """How many field warnings there are."""
        return len(self.warnings)

    def __str__(self) -> str:
        plural = "" if self.warnings_count == 1 else "s"
        head = f"{self.warnings_count} validation warning{plural} for {self.model.__name__}"
        return "\n".join([head, *map(str, self.warnings)])


# The field warnings of the permissive model that is being validated right now.
_COLLECTED: ContextVar[list[FieldWarning] | None] = ContextVar(
    "_COLLECTED", default=None
)


def _warn(type_: str, info: ValidationInfo, msg: str, value: Any) -> None:
    location: Location = (info.field_name,) if info.field_name else ()
    warning = FieldWarning(type_, location, msg, value)
    collected = _COLLECTED.get()
    if collected is None:
        python_warnings.warn(warning, stacklevel=3)
    else:
        collected.append(warning)


def _check_recommended(value: Any, info: ValidationInfo) -> Any:
    if value is None:
        _warn("missing_recommended", info, "Recommended field is missing.", value)
    return value


class _AnyValueWithWarning:
    """Makes a pydantic type accept any value, with a warning for those it would refuse."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def check(
            value: Any,
            strict: core_schema.ValidatorFunctionWrapHandler,
            info: ValidationInfo,
        ) -> Any:
            try:
                return strict(value)
            except ValidationError as error:
                reason = error.errors(include_url=False)[0]["msg"]
                _warn("permissive_literal_warn", info, f"{reason}.", value)
                return value

        # A dump takes the value as it is: the literal's own serializer would complain.
        as_it_is = core_schema.plain_serializer_function_ser_schema(lambda value: value)
        return core_schema.with_info_wrap_validator_function(
            check, handler(source), serialization=as_it_is
        )


Recommended = Annotated[T | None, AfterValidator(_check_recommended)]
"""`Recommended[int]`: an optional field that warns (`missing_recommended`) when its value is None."""

PermissiveLiteral = Annotated[T, _AnyValueWithWarning()]
"""`PermissiveLiteral[Literal["a", "b"]]`: takes any value, warns (`permissive_literal_warn`) of unknown ones."""


class PermissiveBaseModel(BaseModel):
    """A model that drops unexpected keys with a warning (`extra_warn`).

    Warns:
        ValidationWarning: Once for each instance that anything deserves attention about.
    """

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="wrap")
    @classmethod
    def _collect_warnings(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        outer = _COLLECTED.get()
        collected: list[FieldWarning] = []
        token = _COLLECTED.set(collected)
        try:
            instance = handler(data)
        finally:
            _COLLECTED.reset(token)
        extra = instance.__pydantic_extra__ or {}
        for key in list(extra):
            value = extra.pop(key)
            instance.__pydantic_fields_set__.discard(key)
            text = "Extra inputs are not expected and are dropped."
            collected.append(FieldWarning("extra_warn", (key,), text, value))
        if outer is not None:
            outer.extend(collected)
        elif collected:
            python_warnings.warn(ValidationWarning(cls, collected), stacklevel=2)
        return instance
