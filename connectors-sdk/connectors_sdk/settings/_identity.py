"""The identity of a connector that was configured without one."""

import re
from pathlib import Path
from uuid import UUID, uuid5

_NAMESPACE = UUID("5c1f2d4e-8d0b-4b8a-9a53-0d5f6f0c7a11")

# Folders that say how a connector is packaged, not which one it is.
_NO_NAMES = frozenset({"", "app", "connector", "opt", "src"})


def connector_slug(main_path: Path | None, settings_class: str) -> str:
    """Name a connector by the folder it lives in.

    Args:
        main_path: The resolved path of its main module, if there is one.
        settings_class: Name of its settings class, which serves when the folder says nothing.

    Returns:
        Lower case with hyphens: `/opt/opencti-connector-my_feed/src/main.py` gives `my-feed`, as does a checkout's
        `external-import/my-feed/src/main.py`.
    """
    for folder in main_path.parents if main_path else ():
        name = folder.name.lower().replace("_", "-")
        if name not in _NO_NAMES:
            return re.sub(r"^(opencti-)?(connector-)?", "", name) or name
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", settings_class)
    return words.strip("_").lower()


def derive_connector_id(slug: str, name: str) -> str:
    """Derive the id of a connector: always the same for the same slug and name.

    Args:
        slug: Which connector it is.
        name: What its operator calls it; tells two instances of the same connector apart.

    Returns:
        A UUID (version 5) as text.
    """
    return str(uuid5(_NAMESPACE, f"{slug}\n{name}"))
