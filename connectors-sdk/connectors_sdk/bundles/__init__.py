"""STIX 2.1 bundles: closed, ordered, free of duplicates and bounded in size.

`iter_bundles` turns any mixture of models, stix2 objects and dictionaries into `Bundle` pieces; `BundleBuilder` is
the same thing for a caller that pushes objects one by one.
"""

from connectors_sdk.bundles._merge import merge_objects
from connectors_sdk.bundles._references import references_of, without_references
from connectors_sdk.bundles.builder import (
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_OBJECTS,
    BundleBuilder,
    iter_bundles,
)
from connectors_sdk.bundles.bundle import Bundle
from connectors_sdk.bundles.errors import (
    BundleError,
    DanglingReferenceError,
    OversizedBundleWarning,
)

__all__ = [
    "DEFAULT_MAX_BYTES",
    "DEFAULT_MAX_OBJECTS",
    "Bundle",
    "BundleBuilder",
    "BundleError",
    "DanglingReferenceError",
    "OversizedBundleWarning",
    "iter_bundles",
    "merge_objects",
    "references_of",
    "without_references",
]
