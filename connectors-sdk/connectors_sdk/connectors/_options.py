"""The settings of a type's runtime, whether or not the author's settings class declares them."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connectors_sdk.settings.exceptions import ConfigValidationError, SettingProblem
from connectors_sdk.settings.runtime import SECTION

Options = TypeVar("Options", bound=BaseModel)


def read_options(settings: Any, options: type[Options]) -> Options:
    """Return the options that the `connector` section of a connector's settings holds.

    Args:
        settings: the connector's `BaseConnectorSettings`.
        options: what the runtime can be told. A section that does not inherit from it may hold some all the same:
            declared by the author, or set by the operator without being declared.

    Raises:
        ConfigValidationError: one is wrong; the text names every such setting.
    """
    section = settings.connector
    if isinstance(section, options):
        return section
    given = {
        name: value
        for name in options.model_fields
        if (value := getattr(section, name, None)) not in (None, "")
    }
    try:
        return options(**given)
    except ValidationError as error:
        problems = [
            SettingProblem(
                f"{SECTION}.{details['loc'][0]}",
                f"{given[str(details['loc'][0])]!r} cannot be used",
                details["msg"],
            )
            for details in error.errors()
        ]
        raise ConfigValidationError(problems=problems) from error
