"""Former home of the vocabularies; use `connectors_sdk.models.enums`, where these are the same classes."""

import warnings

from connectors_sdk.models.enums import *  # noqa: F401,F403  # pylint: disable=wildcard-import,unused-wildcard-import
from connectors_sdk.models.enums import OpenEnum as PermissiveEnum  # noqa: F401

warnings.warn(
    "connectors_sdk.models.octi.enums is deprecated: use connectors_sdk.models.enums.",
    DeprecationWarning,
    stacklevel=2,
)
