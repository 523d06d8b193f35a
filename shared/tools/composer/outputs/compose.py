"""The `environment:` block of the connector's service in `docker-compose.yml`; the rest of the file is not touched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from composer.extract import Setting
from composer.outputs.values import as_text, is_given, is_offered, yaml_scalar

# The one in C is several times as fast, where it is there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = r"[\"']?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[\"']?"
# Under these an operator may note down settings of the runtime, too.
_SHARED_PREFIXES = frozenset({"OPENCTI_", "CONNECTOR_"})
_LIST_ENTRY = re.compile(rf"^\s*(?P<off>#\s*)?-\s*{_NAME}\s*(?:=(?P<value>.*))?$")
_MAP_ENTRY = re.compile(rf"^\s*(?P<off>#\s*)?{_NAME}\s*:(?:\s+(?P<value>.*))?$")


class NoEnvironmentBlock(Exception):
    """The file has no block to write; the text says why."""


@dataclass(frozen=True)
class _Block:
    """Lines `first` to `end` (not included) are what stands below the key `environment`."""

    key_line: int
    first: int
    end: int
    indent: str
    is_list: bool
    is_flow: bool


def render(settings: Sequence[Setting], text: str, connector: str) -> str:
    """Return `docker-compose.yml` with the block as it should be.

    Variables that are no settings of the connector stay, below the settings, with the comments above them. A value taken
    from the environment of docker compose (`${NAME}`) stays too.

    Args:
        settings: What can be configured.
        text: The file.
        connector: Name of the connector's folder.

    Raises:
        NoEnvironmentBlock: There is no service with such a block.
    """
    block = _find_block(text, connector)
    lines = text.splitlines()
    inside = lines[block.first : block.end]
    own = {setting.variable for setting in settings}
    references, others = _read_entries(inside, own, block.is_list)
    written = [
        block.indent + _entry(setting, references.get(setting.variable), block.is_list)
        for setting in settings
        if is_offered(setting)
    ]
    key_line = lines[block.key_line]
    if block.is_flow:
        key_line = key_line[: key_line.index(":") + 1]
    result = [
        *lines[: block.key_line],
        key_line,
        *written,
        *others,
        *lines[block.end :],
    ]
    return "\n".join(result) + "\n"


def _entry(setting: Setting, reference: str | None, is_list: bool) -> str:
    # docker compose reads `$` as the beginning of a variable.
    value = reference or as_text(setting).replace("$", "$$")
    if is_list:
        entry = f"- {yaml_scalar(f'{setting.variable}={value}')}"
    else:
        # Values in a mapping are quoted, or `true` would be no text.
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_ +./:-]*", value) is not None
        quoted = (
            yaml_scalar(value) if plain else yaml.safe_dump(value, default_style='"')
        )
        entry = f"{setting.variable}: {quoted.strip()}"
    return entry if is_given(setting) else f"# {entry}"


def _read_entries(
    lines: list[str], own: set[str], is_list: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the references that settings are set to, and the lines of what is no setting of the connector."""
    pattern = _LIST_ENTRY if is_list else _MAP_ENTRY
    prefixes = tuple({f"{name.partition('_')[0]}_" for name in own} - _SHARED_PREFIXES)
    references: dict[str, str] = {}
    others: list[str] = []
    comments: list[str] = []
    keep = False
    for line in lines:
        match = pattern.match(line)
        if match is None and line.strip().startswith("#"):
            comments.append(line)
            continue
        if match is not None:
            # What is commented out under the connector's own prefix, and is no setting, was one once.
            was_own = bool(match["off"]) and match["name"].startswith(prefixes)
            keep = match["name"] not in own and not was_own
            value = (match["value"] or "").strip().strip("\"'")
            if not keep and not match["off"] and value.startswith("${"):
                references[match["name"]] = value
        if keep:
            others += [*comments, line]
        comments = []
    return references, others


def _find_block(text: str, connector: str) -> _Block:
    try:
        document = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise NoEnvironmentBlock(f"it is no YAML: {error}") from error
    candidates: list[tuple[tuple[bool, bool], int, yaml.Node, yaml.Node]] = []
    for name, service in _items(_value(document, "services")):
        for key, value in _items(service):
            if key.value == "environment":
                image = getattr(_value(service, "image"), "value", "")
                inside = text[value.start_mark.index : value.end_mark.index]
                rank = (
                    f"connector-{connector}" not in f"{image} {name.value}",
                    "OPENCTI_" not in inside,
                )
                candidates.append((rank, len(candidates), key, value))
    if not candidates:
        raise NoEnvironmentBlock("no service has an environment block")
    _, _, key, value = min(candidates)
    return _lines_of(text.splitlines(), key, value)


def _lines_of(lines: list[str], key: yaml.Node, value: yaml.Node) -> _Block:
    """Return where the lines below a key are, comments included, which YAML does not count."""
    column, above = key.start_mark.column, key.start_mark.line
    is_list = isinstance(value, yaml.SequenceNode)
    if getattr(value, "flow_style", False):
        if value.value:
            raise NoEnvironmentBlock("the environment is not a block, one line each")
        below = value.end_mark.line + 1
        return _Block(above, above + 1, below, " " * (column + 2), is_list, True)
    end = above + 1
    for number in range(above + 1, len(lines)):
        line = lines[number]
        depth = len(line) - len(line.lstrip())
        is_entry = line.lstrip().startswith(("- ", "# - "))
        at_key = depth == column and is_list and is_entry
        if line.strip() and depth <= column and not at_key:
            break
        if line.strip():
            end = number + 1
    is_empty = isinstance(value, yaml.ScalarNode)
    indent = " " * (column + 2 if is_empty else value.start_mark.column)
    return _Block(above, above + 1, end, indent, is_list or is_empty, False)


def _items(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((value for name, value in _items(node) if name.value == key), None)
