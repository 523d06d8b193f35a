"""A report."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container
from connectors_sdk.models._emission import id_instant
from connectors_sdk.models.associated_file import AssociatedFile
from connectors_sdk.models.enums import Reliability, ReportType


class Report(Container):
    """A report about objects (STIX 2.1 section 4.16); its id comes from its name and date of publication.

    Attributes:
        name: its title.
        publication_date: when it was published.
        description: summary.
        report_types: kinds of report.
        reliability: how far its source can be relied on.
        files: the report itself.
    """

    _stix_type: ClassVar[str] = "report"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:ReportStix"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "publication_date": "published",
        "reliability": "x_opencti_reliability",
        "files": "x_opencti_files",
    }

    name: str = Field(min_length=1)
    publication_date: AwareDatetime
    description: str | None = None
    report_types: list[ReportType] | None = None
    reliability: Reliability | None = None
    files: list[AssociatedFile] | None = None

    def _make_id(self) -> str:
        return _ids.report(self.name, id_instant(self.publication_date))
