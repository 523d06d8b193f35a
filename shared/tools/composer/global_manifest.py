"""Write or check the catalogue of all connectors, `manifest.json`, and the tables of connectors in READMEs.

    python shared/tools catalogue [--check] [--embed] [--output FILE]

Made of the manifests of the connectors, in the order of their slugs. Logos and the schemas of the settings are paths; with
`--embed` they are in the file, as the platform expects it (default output then: `build/manifest.json`). With `--embed` or another
output nothing else is written or checked.

Exit code: 0 good, 1 it differs (`--check`) or a manifest has errors, 2 wrong usage.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.projects import ROOT, connectors
from ci.usage import command_line
from composer.connector_manifests import all_manifests
from composer.manifests import rules, tables
from composer.manifests.catalogue import catalogue
from composer.manifests.manifest import as_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("catalogue", __doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--embed", action="store_true", help="logos and schemas inside")
    parser.add_argument("--output", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    usual = (
        ROOT / "build" / "manifest.json" if options.embed else ROOT / "manifest.json"
    )
    output: Path = options.output or usual

    folders = list(connectors())
    manifests = all_manifests(folders)
    problems = [
        f"{folder.relative_to(ROOT)}: {problem}"
        for folder, content in manifests.items()
        for problem in rules.check(folder, content)
        if problem.is_error
    ]
    problems += [
        f"{f.relative_to(ROOT)}: no manifest" for f in folders if f not in manifests
    ]
    problems += [
        f"{folder.relative_to(ROOT)}: {problem}"
        for folder, problem in rules.check_uniqueness(manifests)
    ]
    if problems:
        print("\n".join(problems))
        return 1
    text = as_json(catalogue(manifests, options.embed))
    wanted = {output: text}
    if output == ROOT / "manifest.json":
        wanted |= tables.pages(manifests, ROOT)
    if options.check:
        return _compare(wanted)
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    print(f"{output}: {len(manifests)} connectors, {len(text.encode()):,} bytes")
    return 0


def _compare(wanted: Mapping[Path, str]) -> int:
    """Name the files that are not as they should be; return the exit code."""
    differing = [
        path
        for path, content in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]
    for path in differing:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        print(f"{name} is not what the manifests say: run `make global_manifest`")
    return 1 if differing else 0
