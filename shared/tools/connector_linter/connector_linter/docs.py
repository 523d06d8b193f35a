"""The documentation page of the checks, from the checks' own texts."""

from collections.abc import Iterator

from connector_linter.model import ALL, REGISTRY, Check, Files

_NOTE = "<!-- Written by `make docs` from the checks. Do not edit. -->"
_GROUPS = {
    "VC0": "The linter itself",
    "VC1": "Configuration samples",
    "VC2": "Manifest",
    "VC3": "Code",
    "VC4": "Compose file and entry point",
    "VC5": "What is not used any more",
    "VC6": "As in the template, and pinned",
    "VC7": "Safe habits",
}
_INTRODUCTION = """\
The connector linter reads a connector's files and says what breaks a rule. Run it with
`make lint CONNECTOR=<folder>`; [its README](../../shared/tools/connector_linter/README.md) says what else it can.

A finding is switched off where it is, with its reason: `# noqa: VC312 the bundle is closed by hand`."""
_LANGUAGES = {
    ".py": "python",
    ".yml": "yaml",
    ".json": "json",
    ".sample": "yaml",
    "Dockerfile": "dockerfile",
}


def render() -> str:
    """Return the page."""
    checks = REGISTRY.all()
    lines = [_NOTE, "", "# Checks of connectors", "", _INTRODUCTION, ""]
    lines += ["| check | | severity | for |", "| --- | --- | --- | --- |"]
    for one in checks:
        link = f"[{one.code}](#{one.anchor})"
        lines.append(f"| {link} | {one.name} | {one.severity} | {_types(one)} |")
    for prefix, title in _GROUPS.items():
        lines += ["", f"## {title}"]
        for one in checks:
            if one.code.startswith(prefix):
                lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def _types(check: Check) -> str:
    if check.types == ALL:
        return "all"
    return ", ".join(type_.lower().replace("_", " ") for type_ in check.types)


def _section(check: Check) -> Iterator[str]:
    yield f"### {check.code} {check.name}"
    yield ""
    yield f"{check.what} {check.why}"
    yield ""
    yield f"*{check.severity}, for {_types(check)}.* **Instead:** {check.fix}"
    for title, files in (("Reported", check.bad), ("Not reported", check.good)):
        yield ""
        yield f"{title}:"
        yield from _example(files)


def _example(files: Files) -> Iterator[str]:
    for path, content in files.items():
        name = path.removeprefix("../../")
        yield ""
        if content is None:
            yield f"no `{name}`"
            continue
        language = next((v for k, v in _LANGUAGES.items() if path.endswith(k)), "")
        yield f"`{name}`"
        yield ""
        yield f"```{language}"
        yield content.rstrip("\n")
        yield "```"
