"""A prompt for a language model."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class AIPrompt(BaseObservableEntity):
    """A prompt for a language model (STIX `ai-prompt`).

    Attributes:
        value: the prompt.
    """

    _stix_type: ClassVar[str] = "ai-prompt"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableAIPrompt"
    _opencti_type: ClassVar[str] = "AI-Prompt"

    value: str = Field(min_length=1)
