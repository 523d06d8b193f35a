"""stix2 classes for OpenCTI's types that neither stix2 nor pycti has one for; loaded when one is asked for."""

from stix2.properties import ListProperty, ReferenceProperty, StringProperty
from stix2.v21 import CustomObject


@CustomObject(
    "data-source",
    [
        ("name", StringProperty(required=True)),
        ("description", StringProperty()),
        ("platforms", ListProperty(StringProperty)),
        ("collection_layers", ListProperty(StringProperty)),
    ],
)
class DataSourceStix:
    """OpenCTI's Data-Source."""


@CustomObject(
    "data-component",
    [
        ("name", StringProperty(required=True)),
        ("description", StringProperty()),
        (
            "data_source_ref",
            ReferenceProperty(valid_types=["data-source"], spec_version="2.1"),
        ),
    ],
)
class DataComponentStix:
    """OpenCTI's Data-Component."""
