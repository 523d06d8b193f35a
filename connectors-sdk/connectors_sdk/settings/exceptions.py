"""What can be wrong with a configuration, in words."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One setting that cannot be used as it is.

    Attributes:
        key: Its place in `config.yml`, e.g. `connector.scope`; empty when the configuration as a whole is meant.
        wrong: What was wrong, e.g. `missing`. Never contains a secret.
        expected: What would be right, e.g. `a comma-separated list`; empty when nobody knows.
    """

    key: str
    wrong: str
    expected: str = ""

    @property
    def variable(self) -> str:
        """The name of the environment variable of this setting, e.g. `CONNECTOR_SCOPE`."""
        name = ".".join(self.key.split(".")[:2])
        return name.partition("[")[0].replace(".", "_").upper()

    def __str__(self) -> str:
        where = f"{self.variable} ({self.key}): " if self.key else ""
        expected = f"; expected {self.expected}" if self.expected else ""
        return f"{where}{self.wrong}{expected}"


class ConfigError(Exception):
    """Base of everything that is wrong with a configuration."""


class ConfigValidationError(ConfigError):
    """The configuration cannot be used.

    Args:
        message: One sentence.
        problems: Every setting that is wrong; each becomes one line of the text.

    Attributes:
        settings_class: The settings class that could not be built, if it was one.
    """

    settings_class: type | None = None

    def __init__(
        self,
        message: str = "Error validating configuration.",
        problems: Sequence[SettingProblem] = (),
    ) -> None:
        lines = [message, *(f"  - {problem}" for problem in problems)]
        super().__init__("\n".join(lines))
        self.message = message
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[SettingProblem, ...]]]:
        return type(self), (self.message, self.problems)


class UnknownSettingWarning(UserWarning):
    """A setting was given that nobody declared: probably a typing mistake."""
