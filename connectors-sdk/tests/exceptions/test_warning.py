"""Models that warn where others refuse."""

import warnings
from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from connectors_sdk.exceptions.error import DataRetrievalError, UseCaseError
from connectors_sdk.exceptions.warning import (
    FieldWarning,
    PermissiveBaseModel,
    PermissiveLiteral,
    Recommended,
    ValidationWarning,
)


class Inner(PermissiveBaseModel):
    level: PermissiveLiteral[Literal["low", "high"]] = "low"


class Model(PermissiveBaseModel):
    name: str
    age: Recommended[int] = None
    kind: PermissiveLiteral[Literal["a", "b"]] = "a"
    inner: Inner | None = None


def test_field_warning() -> None:
    warning = FieldWarning("missing_recommended", ("a", 0), "It is missing.", None)
    assert (warning.type, warning.loc, warning.msg, warning.input) == (
        "missing_recommended",
        ("a", 0),
        "It is missing.",
        None,
    )
    assert str(warning) == (
        "a.0\n  It is missing. ['type':'missing_recommended', 'input_value': None]"
    )


def test_all_of_one_instance_is_one_warning() -> None:
    with pytest.warns(ValidationWarning) as caught:
        model = Model.model_validate(
            {"name": "n", "age": None, "kind": "z", "extra": 1}
        )
    assert len(caught) == 1
    warning = caught[0].message
    assert isinstance(warning, ValidationWarning)
    assert warning.warnings_count == len(warning.warnings) == 3
    assert [(field.type, field.loc, field.input) for field in warning.warnings] == [
        ("missing_recommended", ("age",), None),
        ("permissive_literal_warn", ("kind",), "z"),
        ("extra_warn", ("extra",), 1),
    ]
    assert str(warning).startswith("3 validation warnings for Model\nage\n  ")
    assert (str(model.kind), model.age) == ("z", None)
    assert model.model_extra == {}
    assert not hasattr(model, "extra")
    assert model.model_dump_json(exclude={"inner"}) == (
        '{"name":"n","age":null,"kind":"z"}'
    )


def test_nested_models_warn_with_the_outer_one() -> None:
    with pytest.warns(ValidationWarning) as caught:
        Model.model_validate({"name": "n", "age": 1, "inner": {"level": "mid"}})
    assert [str(warning.message).splitlines()[0] for warning in caught] == [
        "1 validation warning for Model"
    ]


def test_nothing_to_warn_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Model(name="n", age=3, kind="b").age == 3


def test_errors_stay_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValidationError):
            Model.model_validate({"name": "n", "age": "old", "kind": "z"})


def test_types_work_in_any_model() -> None:
    class Plain(BaseModel):
        age: Recommended[int]

    with pytest.warns(FieldWarning, match="Recommended field is missing"):
        assert Plain(age=None).age is None
    with pytest.raises(ValidationError):
        Plain()  # type: ignore[call-arg]


def test_errors_are_plain_exceptions() -> None:
    for error in (DataRetrievalError, UseCaseError):
        assert issubclass(error, Exception)
        assert str(error("reason")) == "reason"
