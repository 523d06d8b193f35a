"""An assessment of objects."""

from typing import ClassVar, Literal

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container


class Opinion(Container):
    """An assessment of whether others' statements are right (STIX 2.1 section 4.15); its id comes from the opinion and `created` if given.

    Attributes:
        opinion: the assessment, for example `strongly-agree`.
        explanation: why.
        authors: names of who holds it.
    """

    _stix_type: ClassVar[str] = "opinion"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:OpinionStix"

    opinion: Literal[
        "strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"
    ]
    explanation: str | None = None
    authors: list[str] | None = None

    def _make_id(self) -> str:
        return _ids.opinion(self.opinion, self._created_for_id())
