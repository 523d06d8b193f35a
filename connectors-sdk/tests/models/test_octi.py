"""The former home of the models, and relationships as sentences."""

import re
import subprocess
import sys
from importlib import import_module, reload

import pytest

from connectors_sdk.models import Indicator, Malware, Reference, enums, relationships
from connectors_sdk.models.relationships import indicates, relationship_builder

INDICATOR = Indicator(
    name="a", pattern="[url:value = 'https://a.example']", pattern_type="stix"
)
MALWARE = Malware(name="m", is_family=True)


@pytest.mark.parametrize("module", ["octi", "octi.enums"])
def test_importing_it_warns_once(module: str) -> None:
    program = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        f"    import connectors_sdk.models.{module}\n"
        "print([str(w.message) for w in caught if w.category is DeprecationWarning])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("is deprecated") == module.count(".") + 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_its_classes_are_the_same() -> None:
    octi = import_module("connectors_sdk.models.octi")
    assert octi.Malware is Malware
    assert octi.indicates is indicates
    octi_enums = import_module("connectors_sdk.models.octi.enums")
    assert octi_enums.TLPLevel is enums.TLPLevel
    assert issubclass(octi_enums.MalwareType, octi_enums.PermissiveEnum)
    with pytest.warns(DeprecationWarning, match="connectors_sdk.models.enums"):
        reload(octi_enums)


def test_a_sentence_is_a_relationship() -> None:
    relationship = INDICATOR | indicates | MALWARE
    assert relationship.type == "indicates"
    assert relationship.source is INDICATOR
    assert relationship.target is MALWARE
    assert relationship.author is None
    consumes = relationship_builder("uses")
    reference = Reference(id=MALWARE.id)
    assert (reference | consumes | INDICATOR).source is reference


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("based_on", "based-on"),
        ("derived_from", "derived-from"),
        ("has", "has"),
        ("indicates", "indicates"),
        ("located_at", "located-at"),
        ("related_to", "related-to"),
        ("targets", "targets"),
    ],
)
def test_the_verbs(name: str, text: str) -> None:
    verb = getattr(relationships, name)
    assert (INDICATOR | verb | MALWARE).to_stix_dict()["relationship_type"] == text


def test_a_sentence_without_subject_says_how_it_reads() -> None:
    with pytest.raises(TypeError, match=re.escape("source | indicates | target")):
        indicates | MALWARE  # pylint: disable=pointless-statement
