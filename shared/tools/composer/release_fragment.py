"""Write the manifest fragment of one release of a connector.

    python shared/tools fragment --connector-dir FOLDER --version VERSION --output FILE [--schema FILE]

Exit code: 0 written, 1 the manifest, the schema of the settings or the version is not good, 2 wrong usage.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from ci.usage import command_line
from composer.manifests.fragment import BadFragment, fragment
from composer.manifests.manifest import CONFIG_SCHEMA, UnreadableManifest, as_json, read


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("fragment", __doc__)
    parser.add_argument("--connector-dir", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--schema", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    folder: Path = options.connector_dir.resolve()
    schema = options.schema or folder / CONFIG_SCHEMA
    try:
        config_schema = json.loads(schema.read_text(encoding="utf-8"))
        content = fragment(folder, read(folder), options.version, config_schema)
    except (OSError, ValueError, UnreadableManifest, BadFragment) as error:
        print(f"{folder.name}: {error}")
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(as_json(content), encoding="utf-8")
    return 0
