"""`config.yml.sample` and `.env.sample`: what must be set, and as comments everything else with its default."""

import re
from collections.abc import Sequence

from composer.extract import Setting
from composer.outputs.values import as_text, as_yaml, is_given, is_offered

_HEADER = "# Written from the connector's settings class. Fill in what is not commented out; the rest shows the defaults.\n"


def render_config_yml(settings: Sequence[Setting]) -> str:
    """Return `config.yml.sample`."""
    blocks = []
    for section in dict.fromkeys(setting.section for setting in settings):
        own = [s for s in settings if s.section == section and is_offered(s)]
        if not own:
            continue
        indent = "  " if section else ""
        lines = [
            f"{indent}{'' if is_given(s) else '# '}{s.key}: {as_yaml(s)}".rstrip()
            for s in own
        ]
        if section:
            # A section that nothing is set in would be empty.
            mark = "" if any(map(is_given, own)) else "# "
            lines.insert(0, f"{mark}{section}:")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join([_HEADER, *blocks])


def render_dot_env(settings: Sequence[Setting]) -> str:
    """Return `.env.sample`."""
    lines = [
        f"{'' if is_given(s) else '# '}{s.variable}={_quoted(as_text(s))}\n"
        for s in settings
        if is_offered(s)
    ]
    return _HEADER + "".join(lines)


def _quoted(text: str) -> str:
    """Return a value as both python-dotenv and docker compose read it back unchanged.

    One thing there is no way to write for both: `${NAME}`, which python-dotenv replaces in any quotes.
    """
    if not re.search(r"""^\s|\s$|["'#$`\n]""", text):
        return text
    if "'" not in text and "\n" not in text:
        return f"'{text}'"
    escaped = re.sub(r'(["\\])', r"\\\1", text).replace("\n", "\\n")
    return f'"{escaped}"'
