"""A file attached to an object."""

from base64 import encodebytes
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models.base_object import BaseObject
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.statement_marking import StatementMarking
from connectors_sdk.models.tlp_marking import TLPMarking


class AssociatedFile(BaseObject):
    """A file attached to an object (OpenCTI's `x_opencti_files`); it travels inside that object and has no id.

    Attributes:
        name: file name.
        description: what it holds.
        content: its bytes.
        mime_type: media type, for example `application/pdf`.
        markings: who may read it.
        version: version of the content.
        no_trigger_import: true if the platform shall not start its file importers on it.
    """

    _stix_keys: ClassVar[Mapping[str, str]] = {"markings": "object_marking_refs"}

    name: str
    description: str | None = None
    content: bytes | None = None
    mime_type: str | None = None
    markings: list[TLPMarking | StatementMarking | Reference] | None = None
    version: str | None = None
    no_trigger_import: bool | None = None

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form; the content is MIME base64 (RFC 2045) under `data`."""
        form = {"spec_version": "2.1", **super().to_stix_dict()}
        if self.content is not None:
            form["data"] = encodebytes(form.pop("content")).decode()
        return form

    def to_stix2_object(self) -> Any:
        """Return the `AssociatedFileStix`, a stix2 object without type and id."""
        from connectors_sdk.models._stix2 import build

        return build(
            "connectors_sdk.models._custom_stix2:AssociatedFileStix",
            self.to_stix_dict(),
        )


def __getattr__(name: str) -> Any:
    # The stix2 library is loaded only for who asks for its classes.
    if name == "AssociatedFileStix":
        from connectors_sdk.models._custom_stix2 import AssociatedFileStix

        return AssociatedFileStix
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
