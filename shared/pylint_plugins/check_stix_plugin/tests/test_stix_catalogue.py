"""What the plugin knows of stix2 and pycti is what is installed."""

import inspect
import sys
from pathlib import Path

import pycti
import pytest
import stix2
from stix2.v21.base import _DomainObject, _Observable, _RelationshipObject

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from stix_ids.catalogue import (  # noqa: E402
    BY_TYPE,
    GENERATORS,
    PYCTI_CLASSES,
    STIX2_CLASSES,
    signature,
)

# They make ids for what is no object of a bundle, or what is never built by hand.
NOT_FOR_OBJECTS = {"ExternalReference", "KillChainPhase", "Label", "Vocabulary"}


def generators() -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(class_.generate_id)
        for name, class_ in vars(pycti).items()
        if inspect.isclass(class_) and hasattr(class_, "generate_id")
    }


def test_every_generate_id_of_pycti_is_known_with_its_parameters() -> None:
    real = {
        name: list(signature.parameters)
        for name, signature in generators().items()
        if name not in NOT_FOR_OBJECTS
    }
    assert {name: list(known) for name, known in GENERATORS.items()} == real


@pytest.mark.parametrize("name", GENERATORS)
def test_what_is_suggested_can_be_called(name: str) -> None:
    shown = signature(name).partition("(")[2].rstrip(")").split(", ")
    generators()[name].bind(**dict.fromkeys(shown))


def test_every_class_of_stix2_that_has_an_id_is_known() -> None:
    own = (_DomainObject, _RelationshipObject, _Observable, stix2.MarkingDefinition)
    real = {
        name: getattr(class_, "_type")
        for name, class_ in vars(stix2.v21).items()
        if inspect.isclass(class_) and issubclass(class_, own) and name[0] != "_"
    }
    assert {name: kind.stix_type for name, kind in STIX2_CLASSES.items()} == real
    for name, kind in STIX2_CLASSES.items():
        is_observable = issubclass(getattr(stix2.v21, name), _Observable)
        assert kind.is_observable == is_observable, name


def test_every_custom_class_of_pycti_is_known() -> None:
    from pycti.utils import constants

    real = {
        name: getattr(class_, "_type")
        for name, class_ in vars(constants).items()
        if inspect.isclass(class_) and name.startswith("CustomOb")
    }
    assert {name: kind.stix_type for name, kind in PYCTI_CLASSES.items()} == real


def test_types_lead_to_a_generate_id_for_that_type() -> None:
    values = {
        "object_ids": ["a"],
        "where_sighted_refs": ["a"],
        "published": "2024-01-01T00:00:00Z",
    }
    for stix_type, kind in BY_TYPE.items():
        for generator in kind.generators:
            real = getattr(pycti, generator).generate_id
            parameters = signature(generator).partition("(")[2].rstrip(")").split(", ")
            made = real(**{name: values.get(name, "a") for name in parameters})
            # ATT&CK's data sources have a type of their own in ATT&CK and another one in OpenCTI.
            assert made.startswith(f"{stix_type.removeprefix('x-mitre-')}--")
