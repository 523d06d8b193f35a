"""What a declared settings field accepts and how it is called, read from its pydantic description."""

import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from connectors_sdk.settings.annotated_types import parse_comma_separated_list

MASK = "**********"

_CONTAINERS: tuple[type, ...] = (list, tuple, set, frozenset, Mapping, BaseModel)
_SECRET_ENDINGS = frozenset(
    "apikey credential credentials key pass passphrase passwd password pwd secret token".split()
)


def is_secret_name(name: str) -> bool:
    """Say whether a setting of this name holds a secret, whatever its type: `api_key`, `password`, ..."""
    return name.lower().rpartition("_")[2] in _SECRET_ENDINGS


def is_secret(name: str, field: FieldInfo | None) -> bool:
    """Say whether a setting holds a secret, by its declared type or by its name."""
    if field is not None and any(map(is_secret_type, plain_types(field))):
        return True
    return is_secret_name(name)


def is_secret_type(candidate: Any) -> bool:
    """Say whether a type is one of pydantic's secrets."""
    return is_subclass(candidate, SecretStr | SecretBytes)


def masked(name: str, value: Any) -> Any:
    """Return a value as it may be shown, secrets inside mappings masked too."""
    if isinstance(value, str):
        return MASK if value and is_secret_name(name) else value
    if isinstance(value, dict):
        return {key: masked(str(key), item) for key, item in value.items()}
    return value


def is_subclass(candidate: Any, of: type | types.UnionType) -> bool:
    """`issubclass` that takes anything, not only classes."""
    return isinstance(candidate, type) and issubclass(candidate, of)


def _members(
    annotation: Any, marks: tuple[Any, ...]
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the members of a (nested) union, each with the marks of the `Annotated` around it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *inner_marks = get_args(annotation)
        yield from _members(inner, (*marks, *inner_marks))
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member, marks)
    else:
        yield annotation, marks


def members(field: FieldInfo) -> list[tuple[Any, tuple[Any, ...]]]:
    """Return what a field may be (the members of its union, or its one type), each with its marks.

    `None` counts as a member.
    """
    return list(_members(field.annotation, tuple(field.metadata)))


def is_nullable(field: FieldInfo) -> bool:
    """Say whether a field accepts None by its type."""
    return any(member is types.NoneType for member, _ in members(field))


def plain_types(field: FieldInfo) -> list[Any]:
    """Return the classes a field may be an instance of, without `None`: `dict[str, int] | None` gives `dict`."""
    return [
        get_origin(member) or member
        for member, _ in members(field)
        if member is not types.NoneType
    ]


def namespace_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that stands for a whole section of the configuration."""
    for member in plain_types(field):
        if is_subclass(member, BaseModel):
            model: type[BaseModel] = member
            return model
    return None


def is_namespace(field: FieldInfo) -> bool:
    """Say whether a top-level field stands for a section: a model, or a free mapping."""
    return any(is_subclass(part, BaseModel | Mapping) for part in plain_types(field))


def has_no_usable_default(field: FieldInfo) -> bool:
    """Say whether a section must be given: it is required, or its default factory is a model that needs values."""
    if namespace_model(field) is None:
        return False
    if field.is_required():
        return True
    factory: Any = field.default_factory
    if factory is None:
        return False
    if factory is namespace_model(field):
        return True
    try:
        factory()
    except ValidationError:
        return True
    except TypeError:  # a factory that wants to see the other values
        return False
    return False


def is_container(field: FieldInfo) -> bool:
    """Say whether a field holds a list, mapping or model and cannot be mere text, so that JSON may be meant."""
    types_ = plain_types(field)
    return str not in types_ and any(
        is_subclass(part, of) for part in types_ for of in _CONTAINERS
    )


def input_names(model: type[BaseModel]) -> dict[str, str]:
    """Map every spelling a model accepts for its fields, in lower case, to the key its validation wants."""
    names: dict[str, str] = {}
    by_name = bool(
        model.model_config.get("populate_by_name")
        or model.model_config.get("validate_by_name")
    )
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        aliases = [choice for choice in choices if isinstance(choice, str)]
        names[name.lower()] = name if by_name or not aliases else aliases[0]
        for spelling in aliases:
            names.setdefault(spelling.lower(), spelling)
    return names


def field_of(model: type[BaseModel] | None, key: str) -> FieldInfo | None:
    """Find a field by the key its validation wants (its name or an alias)."""
    if model is None:
        return None
    if key in model.model_fields:
        return model.model_fields[key]
    for name, field in model.model_fields.items():
        names = input_names(model)
        if names.get(name.lower()) == key or key == field.alias:
            return field
    return None


_EXPECTED = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "SecretStr": "text",
    "date": "a date such as 2026-01-31",
    "datetime": "an ISO 8601 date such as 2026-01-31T00:00:00Z, or a period back from now such as P30D",
    "timedelta": "an ISO 8601 duration such as PT1H",
    "HttpUrl": "a URL such as https://example.org",
    "Url": "a URL such as https://example.org",
    "AnyUrl": "a URL such as https://example.org",
    "AnyHttpUrl": "a URL such as https://example.org",
    "Path": "a path",
    "FilePath": "the path of an existing file",
    "DirectoryPath": "the path of an existing folder",
    "EmailStr": "an e-mail address",
    "UUID": "a UUID",
    "dict": "a mapping, written as JSON",
}


def expectation(field: FieldInfo) -> str:
    """Say in words what a field accepts; an empty text when its type says nothing to a reader."""
    kinds = dict.fromkeys(_expectation_of(*member) for member in members(field))
    limits = [
        f"{words} {getattr(mark, limit)}"
        for mark in field.metadata
        for limit, words in _LIMIT_WORDS.items()
        if getattr(mark, limit, None) is not None
    ]
    known = " or ".join(kind for kind in kinds if kind)
    return ", ".join([known, *limits]) if known else ""


_LIMIT_WORDS = {
    "gt": "greater than",
    "ge": "at least",
    "lt": "less than",
    "le": "at most",
    "min_length": "of minimum length",
    "max_length": "of maximum length",
    "pattern": "matching",
}


def _expectation_of(member: Any, marks: tuple[Any, ...]) -> str:
    origin = get_origin(member)
    if origin is Literal:
        return _one_of(get_args(member))
    if is_subclass(member, Enum):
        return _one_of([choice.value for choice in member])
    if is_subclass(origin or member, list | tuple | set | frozenset):
        split = any(
            getattr(mark, "func", None) is parse_comma_separated_list for mark in marks
        )
        return "a comma-separated list" if split else "a list, written as JSON"
    return _EXPECTED.get(getattr(origin or member, "__name__", ""), "")


def _one_of(choices: Any) -> str:
    words = [str(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
