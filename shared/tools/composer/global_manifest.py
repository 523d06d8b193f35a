"""Write or check the catalogue of all connectors, `manifest.json`.

    python shared/tools catalogue [--check] [--embed] [--output FILE]

Made of the manifests of the connectors, in the order of their slugs. Logos and the schemas of the settings are paths; with
`--embed` they are in the file, as the platform expects it (default output then: `build/manifest.json`).

Exit code: 0 good, 1 it differs (`--check`) or a manifest has errors, 2 wrong usage.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ci.projects import ROOT, connectors
from composer.connector_manifests import all_manifests
from composer.manifests import rules
from composer.manifests.catalogue import catalogue
from composer.manifests.manifest import as_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(
        prog="catalogue",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    if options.check:
        current = output.read_text(encoding="utf-8") if output.is_file() else ""
        if current != text:
            print(
                f"{output.name} is not what the manifests say: run `make global_manifest`"
            )
            return 1
        return 0
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    print(f"{output}: {len(manifests)} connectors, {len(text.encode()):,} bytes")
    return 0
