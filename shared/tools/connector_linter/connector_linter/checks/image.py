"""VC4 and VC6: image, compose file, dependencies, and how they differ from the template of the connector type."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml
from connector_linter.connector import (
    Connector,
    Instruction,
    entries,
    entry,
    instructions,
)
from connector_linter.model import Problem, Severity, check

_DOCKERFILE = "Dockerfile"
_TEMPLATE = "../../templates/external-import"


@check(
    "VC401",
    "docker-compose-image",
    Severity.ERROR,
    what="The compose file runs the image `opencti/connector-<folder>:latest`.",
    why="What people deploy is what is published under the folder's name.",
    fix="Write `image: opencti/connector-<folder>:latest`.",
    bad={
        "docker-compose.yml": "services:\n  connector-sample:\n    image: acme/sample:1.0  # <- VC401\n"
        "    environment:\n      - OPENCTI_TOKEN=ChangeMe\n"
    },
    good={
        "docker-compose.yml": "services:\n  connector-sample:\n    image: opencti/connector-sample:latest\n"
        "    environment:\n      - OPENCTI_TOKEN=ChangeMe\n"
    },
)
def docker_compose_image(connector: Connector) -> Iterator[Problem]:
    """Report another image, or none."""
    path = connector.compose_path
    if not path:
        yield Problem("there is no docker-compose.yml")
        return
    if connector.compose is None:
        yield Problem("is no YAML", path)
        return
    wanted = f"opencti/connector-{connector.name}:latest"
    images = [(entry(service, "image"), name) for name, service in connector.services()]
    if any(image is not None and image.value == wanted for image, _ in images):
        return
    image, _ = next((one for one in images if one[0] is not None), (None, ""))
    line = image.start_mark.line + 1 if image is not None else 0
    yield Problem(f"no service has the image {wanted}", path, line)


@check(
    "VC402",
    "no-entrypoint-sh",
    Severity.ERROR,
    what="The image starts Python directly.",
    why="A shell in between keeps the signal to stop for itself: the container is killed in the middle of a batch.",
    fix='Write `ENTRYPOINT ["python3", "main.py"]`.',
    bad={
        _DOCKERFILE: "FROM python:3.12-alpine\nCOPY entrypoint.sh /\n"
        'ENTRYPOINT ["/entrypoint.sh"]  # <- VC402\n'
    },
    good={_DOCKERFILE: 'FROM python:3.12-alpine\nENTRYPOINT ["python3", "main.py"]\n'},
)
def no_entrypoint_sh(connector: Connector) -> Iterator[Problem]:
    """Report a shell script that starts the connector."""
    for one in connector.instructions:
        if one.word in ("CMD", "ENTRYPOINT") and "entrypoint.sh" in one.rest:
            yield Problem("entrypoint.sh starts the connector", _DOCKERFILE, one.line)


# -- drift from the template --------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _template(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _template_of(connector: Connector, name: str) -> str | None:
    """Return a file of the type's template with its names replaced, or None when there is none."""
    if connector.root is None:
        return None
    kind = connector.type.lower().replace("_", "-")
    folder = connector.root / "templates" / kind
    text = _template(folder / name)
    if text is None or folder == connector.folder:
        return None
    slug = re.search(
        r"opencti/connector-([\w-]+)", _template(folder / "docker-compose.yml") or ""
    )
    return _neutral(text, f"templates/{kind}", slug[1] if slug else kind)


def _neutral(text: str, path: str, slug: str) -> str:
    """Return a text with a connector's path and name replaced by words that all connectors share."""
    text = text.replace(path, "<path>")
    names = {slug, slug.replace("-", "_")}
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", "<name>", text)


def _own(connector: Connector, text: str) -> str:
    folder = connector.folder
    return _neutral(text, f"{folder.parent.name}/{folder.name}", connector.name)


# What a connector may have besides the template: labels, variables of its own, and packages that it needs.
_FREE = ("LABEL", "ENV", "ARG")
_PACKAGES = re.compile(
    r"RUN (apk|apt-get|microdnf) (--no-cache )?(add|update|install)\b"
)
# A connector that needs more than the SDK has a lock of its own, which holds both.
_LOCK_OF_SDK = "COPY connectors-sdk/requirements.txt /build/"
_OWN_LOCK = "COPY <path>/requirements.txt /build/"
_STARTING = ("ENTRYPOINT", "CMD")


def _plain(one: Instruction) -> str:
    return f"{one.word} {one.rest}"


@check(
    "VC601",
    "dockerfile-as-template",
    Severity.ERROR,
    what="The Dockerfile is that of the template for the connector's type.",
    why="What was put right in the template once (user, layers, no compiler left) has to hold for every image.",
    fix="Take the instruction over from the template; labels, values of variables, further variables and packages are free, and so "
    "is a lock of the connector's own (`COPY <its folder>/requirements.txt /build/`).",
    bad={
        f"{_TEMPLATE}/docker-compose.yml": "services:\n  c:\n    image: opencti/connector-template:latest\n",
        f"{_TEMPLATE}/{_DOCKERFILE}": "FROM python:3.12-alpine\nCOPY src /opt/opencti-connector-template\n"
        'USER 10001:10001\nENTRYPOINT ["python3", "main.py"]\n',
        _DOCKERFILE: "FROM python:3.12-alpine\nCOPY src /opt/opencti-connector-sample\n"
        "USER root  # <- VC601\n"
        'ENTRYPOINT ["python3", "main.py"]\n',
    },
    good={
        f"{_TEMPLATE}/docker-compose.yml": "services:\n  c:\n    image: opencti/connector-template:latest\n",
        f"{_TEMPLATE}/{_DOCKERFILE}": "FROM python:3.12-alpine\nCOPY src /opt/opencti-connector-template\n"
        'USER 10001:10001\nENTRYPOINT ["python3", "main.py"]\n',
        _DOCKERFILE: "FROM python:3.12-alpine\nLABEL vendor=ACME\nRUN apk add --no-cache libmagic\n"
        "COPY src /opt/opencti-connector-sample\nUSER 10001:10001\n"
        'ENTRYPOINT ["python3", "main.py"]\n',
    },
)
def dockerfile_as_template(connector: Connector) -> Iterator[Problem]:
    """Report instructions that the template does not have, and those that are missing."""
    template = _template_of(connector, _DOCKERFILE)
    own = connector.text(_DOCKERFILE)
    if template is None:
        return
    if own is None:
        yield Problem("there is no Dockerfile")
        return
    wanted = [
        _plain(one)
        for one in instructions(template)
        if one.word not in (*_FREE, *_STARTING)
    ]
    for one in instructions(_own(connector, own)):
        if one.word in (*_FREE, *_STARTING) or _PACKAGES.match(_plain(one)):
            continue
        if _plain(one) == _OWN_LOCK and _LOCK_OF_SDK in wanted:
            wanted.remove(_LOCK_OF_SDK)
        elif _plain(one) in wanted:
            wanted.remove(_plain(one))
        else:
            similar = next((w for w in wanted if w.split()[0] == one.word), "")
            hint = f"; the template has `{similar}`" if similar else ""
            if similar:
                wanted.remove(similar)
            message = f"{one.word} is not as in the template{hint}"
            yield Problem(message, _DOCKERFILE, one.line)
    missing = [name for name in _variables(template) if name not in _variables(own)]
    for absent in [*wanted, *missing]:
        yield Problem(f"the template's `{absent}` is missing", _DOCKERFILE)


def _variables(dockerfile: str) -> list[str]:
    """Return the variables that a Dockerfile declares or sets, each with its instruction."""
    return [
        f"{one.word} {name}"
        for one in instructions(dockerfile)
        if one.word in ("ARG", "ENV")
        for name in re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==|$)", one.rest)
    ]


@check(
    "VC602",
    "entrypoint-as-template",
    Severity.ERROR,
    what="The container starts the way that the template for the connector's type starts.",
    why="Signals, exit codes and the command line work in every image only if all start the same way.",
    fix="Take `ENTRYPOINT`, `CMD` and, where the template has one, `entrypoint.sh` over from the template.",
    bad={
        f"{_TEMPLATE}/{_DOCKERFILE}": 'FROM python:3.12-alpine\nENTRYPOINT ["python3", "main.py"]\n',
        _DOCKERFILE: "FROM python:3.12-alpine\nCMD python3 main.py  # <- VC602\n",
    },
    good={
        f"{_TEMPLATE}/{_DOCKERFILE}": 'FROM python:3.12-alpine\nENTRYPOINT ["python3", "main.py"]\n',
        _DOCKERFILE: 'FROM python:3.12-alpine\nENTRYPOINT ["python3", "main.py"]\n',
    },
)
def entrypoint_as_template(connector: Connector) -> Iterator[Problem]:
    """Report another command, and another script."""
    script = _template_of(connector, "entrypoint.sh")
    own_script = connector.text("entrypoint.sh")
    if script is not None and own_script is not None:
        if _own(connector, own_script).split() != script.split():
            yield Problem("is not as in the template", "entrypoint.sh")
    template = _template_of(connector, _DOCKERFILE)
    own = connector.text(_DOCKERFILE)
    if template is None or own is None:
        return
    wanted = [_plain(one) for one in instructions(template) if one.word in _STARTING]
    for one in instructions(_own(connector, own)):
        if one.word not in _STARTING:
            continue
        if _plain(one) in wanted:
            wanted.remove(_plain(one))
        else:
            yield Problem(
                f"{_plain(one)} is not as in the template", _DOCKERFILE, one.line
            )
            wanted = []
    for missing in wanted:
        yield Problem(f"the template's `{missing}` is missing", _DOCKERFILE)


@check(
    "VC603",
    "compose-as-template",
    Severity.ERROR,
    what="The service in the compose file has everything that the template's has.",
    why="Read-only file system, dropped capabilities and restarts are forgotten in files that are written by hand.",
    fix="Take the entry over from the template; the environment and further entries are free.",
    bad={
        f"{_TEMPLATE}/docker-compose.yml": "services:\n  connector-template:\n    image: opencti/connector-template:latest\n"
        "    read_only: true\n    restart: unless-stopped\n",
        "docker-compose.yml": "services:\n  connector-sample:\n    image: opencti/connector-sample:latest\n"
        "    environment:\n      - OPENCTI_TOKEN=ChangeMe\n    restart: always  # <- VC603\n    read_only: true\n",
    },
    good={
        f"{_TEMPLATE}/docker-compose.yml": "services:\n  connector-template:\n    image: opencti/connector-template:latest\n"
        "    read_only: true\n    restart: unless-stopped\n",
        "docker-compose.yml": "services:\n  connector-sample:\n    image: opencti/connector-sample:latest\n"
        "    environment:\n      - OPENCTI_TOKEN=ChangeMe\n    restart: unless-stopped\n    read_only: true\n"
        "    volumes:\n      - ./data:/data\n",
    },
)
def compose_as_template(connector: Connector) -> Iterator[Problem]:
    """Report entries of the template's service that are missing or different."""
    template = _template_of(connector, "docker-compose.yml")
    path = connector.compose_path
    if template is None or not path or connector.compose is None:
        return
    wanted = yaml.safe_load(template)
    services = wanted.get("services", {}) if isinstance(wanted, dict) else {}
    service = next(iter(services.values()), None)
    own = yaml.safe_load(_own(connector, connector.text(path) or "")) or {}
    own_services = own.get("services", {}) if isinstance(own, dict) else {}
    nodes = dict(connector.services())
    name = next(iter(own_services), "")
    if not isinstance(service, dict) or not isinstance(own_services.get(name), dict):
        return
    # The names of services were replaced alike, so that they are found by their order.
    node = next(iter(nodes.values()), None)
    lines = {key: value.start_mark.line + 1 for key, value in entries(node)}
    for key, value in service.items():
        if key in ("environment", "image"):
            continue
        given = own_services[name].get(key)
        if given is None:
            yield Problem(f"the template's `{key}` is missing", path)
        elif not _covers(given, value):
            # A list begins on the line below its key.
            yield Problem(f"{key} is not as in the template", path, lines.get(key, 0))


def _covers(given: object, wanted: object) -> bool:
    """Tell whether a value has everything that another one has."""
    if isinstance(wanted, list) and isinstance(given, list):
        return all(one in given for one in wanted)
    if isinstance(wanted, dict) and isinstance(given, dict):
        return all(key in given and _covers(given[key], wanted[key]) for key in wanted)
    return given == wanted


# -- dependencies -------------------------------------------------------------------------------------------------

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?"
_PINNED = re.compile(rf"{_NAME}\s*={{2,3}}\s*[\w.!+-]+\s*")
_BY_URL = re.compile(rf"(?:{_NAME}\s*@\s*|-e\s+)?(?P<url>[a-z+]+://\S+)")
# A commit, or what looks like the tag of a version.
_FIXED_REF = re.compile(r"@(?:[0-9a-f]{7,40}|v?\d[\w.+-]*|[\w-]+/v?\d[\w.+-]*)(?:#|$)")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "src/uv.lock", "src/poetry.lock")


@check(
    "VC604",
    "pinned-dependencies",
    Severity.ERROR,
    what="Every dependency has one version.",
    why="Otherwise the image of tomorrow holds other code than the one that was tested today.",
    fix="Write `name==1.2.3`; for a git reference a tag or a commit.",
    bad={"src/requirements.txt": "connectors-sdk==0.1.0\nrequests>=2.31  # <- VC604\n"},
    good={"src/requirements.txt": "connectors-sdk==0.1.0\nrequests==2.32.3\n"},
)
def pinned_dependencies(connector: Connector) -> Iterator[Problem]:
    """Report dependencies without a version, in requirements files and, where there is no lock, in pyproject.toml."""
    for path in connector.files:
        if re.fullmatch(r"(src/)?requirements(\.\w+)?\.txt", path):
            for number, line in enumerate(connector.lines(path), start=1):
                requirement = (
                    re.sub(r"(^|\s)#.*$", "", line).split(";")[0].rstrip(" \\")
                )
                if requirement and not _is_pinned(requirement.strip()):
                    yield Problem(f"{requirement.strip()} is not pinned", path, number)
    if any((connector.folder / lock).is_file() for lock in _LOCKS):
        return
    for path in ("pyproject.toml", "src/pyproject.toml"):
        try:
            project = tomllib.loads(connector.text(path) or "").get("project", {})
        except tomllib.TOMLDecodeError:
            yield Problem("is no TOML", path)
            continue
        for requirement in project.get("dependencies", []):
            if not _is_pinned(str(requirement).split(";", maxsplit=1)[0].strip()):
                lines = connector.lines(path)
                place = next((n for n, t in enumerate(lines, 1) if requirement in t), 0)
                message = f"{requirement} is not pinned, and there is no lock"
                yield Problem(message, path, place)


def _is_pinned(requirement: str) -> bool:
    if _PINNED.fullmatch(requirement):
        return True
    by_url = _BY_URL.fullmatch(requirement)
    if by_url:
        url = by_url["url"]
        return not url.startswith("git") or bool(_FIXED_REF.search(url))
    # Options, hashes of the line above, and folders of the same checkout.
    return requirement.startswith(("-", "--hash", ".", "/"))
