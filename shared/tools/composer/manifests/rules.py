"""Which manifests are good: alone, with the connector they belong to, and among all others."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.manifests import logo
from composer.manifests.manifest import CONFIG_SCHEMA, TYPES, schema, type_and_name
from composer.manifests.problems import Problem
from composer.manifests.validation import validator

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


def check(folder: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with one manifest.

    Args:
        folder: The connector, in the folder of its type, at the root of a repository.
        manifest: Its manifest.
    """
    for error in sorted(_validator().iter_errors(manifest), key=lambda e: list(e.path)):
        yield Problem(".".join(map(str, error.path)), _words(error))
    yield from _check_folder(folder, manifest)
    path = manifest.get("logo")
    if isinstance(path, str):
        if not path.startswith(f"{folder.parent.name}/{folder.name}/"):
            yield Problem("logo", f"{path} is not in the connector's folder")
        else:
            yield from logo.check(folder.parents[1] / path)
    elif "logo" in manifest:
        yield Problem("logo", "there is none", is_error=False)
    if manifest.get("manager_supported") and not (folder / CONFIG_SCHEMA).is_file():
        yield Problem("manager_supported", f"the platform needs {CONFIG_SCHEMA} for it")
    if manifest.get("verified") is False and manifest.get("last_verified_date"):
        yield Problem("last_verified_date", "there is a date, but it is not verified")


def _check_folder(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    kind, image = manifest.get("container_type"), manifest.get("container_image")
    expected, name = type_and_name(folder)
    if expected and kind in TYPES.values() and kind != expected:
        words = f"{kind}, but connectors in {folder.parent.name} are {expected}"
        yield Problem("container_type", words)
    if isinstance(image, str) and image != f"opencti/connector-{name}":
        words = f"{image}, but the folder's name makes it opencti/connector-{name}"
        yield Problem("container_image", words)
    source, own = manifest.get("source_code"), f"{folder.parent.name}/{folder.name}"
    if isinstance(source, str) and not source.rstrip("/").endswith(own):
        yield Problem("source_code", f"{source} does not end in {own}")


def check_uniqueness(
    manifests: Mapping[Path, dict[str, Any]],
) -> Iterator[tuple[Path, Problem]]:
    """Yield, for every connector that shares a name with another one, which and with whom.

    Args:
        manifests: The manifests of all connectors by folder.
    """
    names: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for folder, manifest in manifests.items():
        names["folder"][_normal(folder.name)].append(folder)
        for field in ("slug", "container_image", "title"):
            value = manifest.get(field)
            if isinstance(value, str):
                names[field][_normal(value)].append(folder)
    for field, by_value in names.items():
        for folders in by_value.values():
            for folder in folders if len(folders) > 1 else ():
                others = ", ".join(
                    f"{other.parent.name}/{other.name}"
                    for other in folders
                    if other != folder
                )
                yield folder, Problem(field, f"the same as that of {others}")


def _normal(value: str) -> str:
    """Return what is left of a name where upper and lower case, `_` and `-` do not count."""
    return value.strip().lower().replace("_", "-").replace(" ", "-")


@cache
def _validator() -> "Draft202012Validator":
    return validator(schema())


def _words(error: "ValidationError") -> str:
    """Say what a rule of the schema wants in fewer words than the library."""
    if error.validator == "pattern":
        meant = schema()["properties"].get(error.path[0] if error.path else "", {})
        return f"{error.instance!r} is not like {error.validator_value}. {meant.get('description', '')}".strip()
    if error.validator == "maxLength":
        return f"{len(str(error.instance))} characters, at most {error.validator_value}"
    if error.validator == "const" and error.path and error.path[0] == "container_type":
        return "only an enrichment can be a step of a playbook (playbook_supported)"
    return str(error.message)
