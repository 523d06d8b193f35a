"""VC0: what the linter itself needs."""

from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity, check
from connector_linter.noqa import noqa

_TEXTS = (".py", ".yml", ".yaml", ".sample", ".txt", ".toml", ".sh", "Dockerfile")


@check(
    "VC001",
    "readable-python",
    Severity.ERROR,
    what="Every Python file can be parsed.",
    why="A file that cannot be parsed cannot run, and nothing in it can be checked.",
    fix="Correct the syntax; Python 3.11 must be able to read it.",
    bad={"src/connector/broken.py": "def run(:  # <- VC001\n    pass\n"},
    good={"src/connector/whole.py": "def run():\n    pass\n"},
)
def readable_python(connector: Connector) -> Iterator[Problem]:
    """Report what the parser refuses."""
    if connector.sources or connector.broken:
        for path, (message, line) in connector.broken.items():
            yield Problem(f"cannot be parsed: {message}", path, line)


@check(
    "VC002",
    "noqa-with-reason",
    Severity.WARNING,
    what="Whoever switches a check off says why.",
    why="Without a reason nobody can tell later whether it still holds.",
    fix="Write the reason behind the code: `# noqa: VC312 the bundle is closed by hand`.",
    bad={
        "src/connector/quiet.py": 'print("started")  # noqa: VC705\n',
    },
    good={
        "src/connector/quiet.py": 'print("started")  # noqa: VC705 the launcher waits for it\n',
    },
)
def noqa_with_reason(connector: Connector) -> Iterator[Problem]:
    """Report `noqa` comments for checks of this linter that give no reason."""
    for path in connector.files:
        if not path.endswith(_TEXTS) or "noqa" not in (connector.text(path) or ""):
            continue
        for number, line in enumerate(connector.lines(path), start=1):
            off = noqa(line) if "noqa" in line else None
            if off is None or off.reason:
                continue
            codes = sorted(code for code in off.codes if code.startswith("VC"))
            if codes:
                yield Problem(
                    f"{', '.join(codes)} switched off without a reason", path, number
                )
