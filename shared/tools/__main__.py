"""The repository's tools, one command each.

    python shared/tools COMMAND [ARGUMENT ...]
    python shared/tools COMMAND --help

The make targets call these commands; `make help` lists them.
"""

import sys
from importlib import import_module

# command -> (module with a `main(arguments) -> exit code`, what it does)
COMMANDS = {
    "test": ("ci.runner", "run the tests of every project, or of some"),
    "lint": ("ci.checks", "check formatting, types and mistakes"),
    "changes": ("ci.changes", "say which projects a change touches"),
    "plan": ("ci.plan", "say the same as matrices for CI"),
    "verdict": ("ci.verdict", "give one verdict on the jobs of a workflow"),
    "schemas": ("composer.schemas", "write what settings classes say, six places each"),
    "manifests": ("composer.connector_manifests", "write what connectors are"),
    "catalogue": ("composer.global_manifest", "write the list of all connectors"),
    "fragment": ("composer.release_fragment", "write the manifest of one release"),
    "image": ("ci.images", "build, try and publish a connector's image"),
    "release": ("ci.release", "prepare the release of a connector"),
    "labels": ("ci.labels", "say the labels of a change, or write all labels"),
    "propose": ("ci.propose", "propose changed files as a pull request"),
    "workflows": ("ci.workflows", "check the workflows"),
    "links": ("docs.links", "check the links between pages"),
}


def main(arguments: list[str]) -> int:
    """Run a command; return its exit code (2: wrong usage)."""
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        print(__doc__)
        for command, (_, text) in COMMANDS.items():
            print(f"  {command:12} {text}")
        return 0 if name in ("-h", "--help") else 2
    module = import_module(COMMANDS[name][0])
    code: int = module.main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
