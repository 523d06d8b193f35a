"""What can be chosen when the platform is started."""

from dataclasses import dataclass
from pathlib import Path

# A development token, public on purpose: it only ever guards a loopback address.
DEFAULT_TOKEN = "d3v70ken-0000-4000-8000-000000000000"  # noqa: S105
PLATFORM_VERSION = "7.261026.0"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class ServerOptions:
    """Settings of one platform process.

    Attributes:
        data_dir: folder of the SQLite file and of uploaded files; created when absent.
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        token: the bearer token that clients must send.
        heartbeat_seconds: time between two signs of life on a live stream.
        strict: refuse what clients select or send although its type does not have it.
        max_body_bytes: largest accepted request body, in bytes (a real platform accepts 50 MB by default).
        amqp: URL of a RabbitMQ broker for connectors that use one; None: HTTP alone.
        connector_folders: (id of a connector, its folder), where the page finds its description and its settings.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    token: str = DEFAULT_TOKEN
    heartbeat_seconds: float = 5
    strict: bool = False
    max_body_bytes: int = 50 * MEBIBYTE
    amqp: str | None = None
    connector_folders: tuple[tuple[str, Path], ...] = ()

    @property
    def is_local(self) -> bool:
        """True when only this machine can reach the platform."""
        return self.host in {"127.0.0.1", "localhost", "::1"}
