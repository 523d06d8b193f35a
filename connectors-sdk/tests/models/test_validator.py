"""The STIX that models write passes OASIS's own validator (schemas and the MUST rules of STIX 2.1)."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_instance

from connectors_sdk.models import BaseIdentifiedObject

from .strategies import IDENTIFIED, of

pytestmark = [
    pytest.mark.filterwarnings("ignore:Value .* is out of:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
OPTIONS = ValidationOptions(version="2.1")


# Where OpenCTI and STIX part: its cases and incidents have a property that STIX keeps for later versions, and an id that
# is random (as STIX wants it where nothing contributes) would be another one on each run.
KNOWN_DEVIATIONS = (
    "Contains a reserved property",
    "a UUIDv4 must be used",
    "must use UUIDv4 for its id",
)


def errors_of(form: object) -> list[str]:
    """Return what the validator calls an error; SHOULD rules are warnings, and no concern of a model."""
    found = [str(error) for error in validate_instance(form, OPTIONS).errors]
    return [e for e in found if not any(known in e for known in KNOWN_DEVIATIONS)]


def test_the_validator_finds_what_is_wrong() -> None:
    wrong = {
        "type": "malware",
        "spec_version": "2.1",
        "id": "malware--1",
        "name": 5,
    }
    assert len(errors_of(wrong)) >= 2


@pytest.mark.parametrize("model", IDENTIFIED, ids=lambda m: m.__name__)
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],  # a failing case is clear enough as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_what_a_model_writes_is_valid(
    model: type[BaseIdentifiedObject], data: st.DataObject
) -> None:
    assert not errors_of(data.draw(of(model)).to_stix_dict())
