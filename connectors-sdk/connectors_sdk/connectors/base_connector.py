"""What connectors of all types share: from the settings to a connector that has met the platform, and its end.

The runtime of a type subclasses `BaseConnector` and says in `_serve` what it does; an author subclasses the runtime.
"""

import logging
import os
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from connectors_sdk import tracing
from connectors_sdk.connectors import log_context
from connectors_sdk.connectors._health_server import HealthServer
from connectors_sdk.connectors._patience import make_patient
from connectors_sdk.connectors._redaction import Redactor
from connectors_sdk.connectors._signals import StopSignals
from connectors_sdk.connectors._startup import PlatformUnavailableError, connect
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.errors import UnsupportedError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.logger import ConnectorLogger
from connectors_sdk.connectors.memory_fuse import MEGA, MemoryFuse
from connectors_sdk.connectors.metrics import Metrics
from connectors_sdk.connectors.provenance import Provenance
from connectors_sdk.connectors.quarantine import Limit, Quarantine, Replayed
from connectors_sdk.settings.exceptions import ConfigValidationError, SettingProblem
from connectors_sdk.settings.runtime import RuntimeSettings

HelperFactory = Callable[[dict[str, Any]], Any]

# The settings of the quarantine's limits, and after how many seconds the log tells again that one was passed.
_LIMITS: dict[Limit, str] = {
    "count": "quarantine_max_records",
    "size": "quarantine_max_size",
    "age": "quarantine_max_age",
}
_TELL_AGAIN = 60.0


class BaseConnector(ABC):
    """A connector of any type.

    Attributes:
        connector_type: `EXTERNAL_IMPORT`, `INTERNAL_ENRICHMENT`, ...
        rehearses_on: what a rehearsal has to be given, by the name of the option: `entity`, `file`; empty: nothing.
        playbook_compatible: whether the platform may use the connector in playbooks.
        settings: the connector's settings.
        runtime: the settings of the runtime itself, once prepared.
        helper: pycti's helper, once connected.
        logger: the connector's log, once connected.
        health: whether it is alive, ready and fresh.
        metrics: what it counts.
        quarantine: records that it could not process, once prepared.
        provenance: what objects were made from, once prepared. Only used when the setting of that name says so.
        fuse: stops work before the memory is used up, once prepared: `with self.fuse.guard(): ...`.
        redact: takes secrets out of a text, once prepared.
        signals: whether it was told to stop.
    """

    connector_type: ClassVar[str]
    rehearses_on: ClassVar[str] = ""
    playbook_compatible: ClassVar[bool] = False

    runtime: RuntimeSettings
    helper: Any
    logger: ConnectorLogger
    quarantine: Quarantine
    provenance: Provenance
    fuse: MemoryFuse

    def __init__(
        self, settings: Any, *, helper_factory: HelperFactory | None = None
    ) -> None:
        """Put a connector together. Nothing is connected to before `start`.

        Args:
            settings: the connector's `BaseConnectorSettings`.
            helper_factory: makes a stand-in of pycti's helper out of the helper's configuration: for tests and for
                runs without a platform.
        """
        self.settings = settings
        self.health = Health()
        self.metrics = Metrics(self.health)
        self.signals = StopSignals()
        self.redact = Redactor(None)
        self._helper_factory = helper_factory
        self._data_path: Path | None = None
        self._tell_dropped_at: defaultdict[Limit, float] = defaultdict(float)
        self._health_server = HealthServer(self.health, self.metrics)

    # -- what an author may override -----------------------------------------------------------------------------

    def post_init(self) -> None:
        """Build what needs settings or the log, e.g. clients. Called once, before the first work."""

    def check_source(self) -> Iterable[Check]:
        """Look whether the source (or target) can be used: credentials, quota. Called by the command `check`.

        `post_init` was called before. An exception counts as a failed check.
        """
        return ()

    def replay(self, *record_ids: str) -> Replayed:
        """Process records of the quarantine once more; see `Quarantine.replay`. The connector must be open.

        Raises:
            UnsupportedError: connectors of this type cannot do that.
        """
        raise UnsupportedError("replay records")

    def rehearse(self, limit: int | None = None) -> bool:
        """Work once with the helper at hand, for show; return whether that went well. The connector must be open.

        Args:
            limit: so many records at most.

        Raises:
            UnsupportedError: connectors of this type cannot do that.
        """
        raise UnsupportedError("run without a platform: what they work on is there")

    def rehearse_on(self, given: str) -> bool:
        """Work once on what is given, as `rehearse` does.

        Args:
            given: what `rehearses_on` names.

        Raises:
            UsageError: it is no such thing.
        """
        raise UnsupportedError(f"be tried on {given}")

    # -- what a runtime overrides --------------------------------------------------------------------------------

    @abstractmethod
    def _serve(self) -> None:
        """Do what connectors of the type do; return when that is done.

        `StopRequested` comes up here, in the main thread, when the process is told to stop.
        """

    def _bind(self) -> None:
        """Hand the helper to the parts of the runtime. Called once, before `post_init`."""

    def _set_up(self) -> None:
        """Build the parts of the runtime that stand on what `post_init` built. Called once, before the first work."""

    def _release(self) -> None:
        """End what `_serve` may have left running, e.g. threads. Called once, on the way out."""

    def _note_pause(self, seconds: float) -> None:
        """Note a pause for the sake of the platform's queue; takes its length in seconds."""
        self.metrics.count("held_back_seconds", seconds)
        self.health.progress()

    def _note_dropped(self, limit: Limit) -> None:
        """Note that the quarantine has forgotten records because of a limit: they can be replayed no more."""
        count = self.quarantine.dropped[limit]
        new = count - self.metrics.value("quarantine_dropped", limit=limit)
        self.metrics.count("quarantine_dropped", new, limit=limit)
        sentence = (
            f"{count} records were dropped from the quarantine since the start, because it was beyond "
            f"CONNECTOR_{_LIMITS[limit].upper()} ({self.runtime.model_dump(mode='json')[_LIMITS[limit]]}): they are lost "
            "to a replay. Mend or replay what is set aside, or raise the setting"
        )
        self.health.failed(sentence)
        now = time.monotonic()
        # Not for each of thousands.
        if now >= self._tell_dropped_at[limit]:
            self._tell_dropped_at[limit] = now + _TELL_AGAIN
            # The commands that look at the quarantine are not connected.
            logger = getattr(self, "logger", None) or logging.getLogger(__name__)
            logger.warning(f"{sentence}.")

    @property
    def _default_freshness_limit(self) -> timedelta | None:
        """The freshness limit of the type, for when none is set."""
        return None

    # -- the life of a connector ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect to the platform and work, until done or told to stop.

        Raises:
            SystemExit: code 0 after SIGTERM or SIGINT; 1 when the platform cannot be reached.
            ConfigValidationError: a setting of the runtime is wrong.
        """
        signals = self.signals
        signals.install()
        try:
            self.prepare()
            self._offer_health()
            try:
                self.open()
            except PlatformUnavailableError:
                sys.exit(ExitCode.FAILURE)
            # pycti takes the signals when there is a private CA.
            signals.install()
            try:
                self._serve()
            finally:
                self._release()
                self.provenance.close()
        finally:
            self._health_server.stop()
            signals.restore()

    def prepare(self) -> None:
        """Read the settings of the runtime and build what does not need the platform.

        Raises:
            ConfigValidationError: a setting of the runtime is wrong.
        """
        config = self.settings.to_helper_config()
        self.runtime = runtime = RuntimeSettings.read(config)
        self.redact = Redactor(self.settings)
        self.quarantine = Quarantine(
            self.data_path,
            max_records=runtime.quarantine_max_records,
            max_age=runtime.quarantine_max_age,
            max_bytes=runtime.quarantine_max_size * MEGA,
        )
        self.quarantine.redact = self.redact
        self.quarantine.on_dropped = self._note_dropped
        self.provenance = Provenance(self.data_path)
        limit = runtime.memory_limit
        self.fuse = MemoryFuse(limit * MEGA if limit else None)
        health = self.health
        health.redact = self.redact
        health.freshness_limit = runtime.freshness_limit
        if health.freshness_limit is None:
            health.freshness_limit = self._default_freshness_limit
        health.lag_limit = runtime.lag_limit
        health.stall_limit = runtime.stall_limit
        section = config.get("connector") or {}
        identity = {
            "name": str(section.get("name", "")),
            "type": self.connector_type,
            "id": str(section.get("id", "")),
            "version": runtime.version,
        }
        health.identity = identity
        tracing.begin(identity["name"], identity["id"], identity["version"])
        labels = {key: value for key, value in identity.items() if key != "name"}
        self.metrics.set("info", 1, connector=identity["name"], **labels)

    def open(self) -> None:
        """Build the helper, which registers the connector, and whatever stands on it.

        Raises:
            PlatformUnavailableError: the platform stays away.
        """
        self._connect()
        self._bind()
        self.post_init()
        self._set_up()
        self.health.started()

    def _connect(self) -> None:
        config = self.settings.to_helper_config()
        limit = self.runtime.platform_timeout.total_seconds()
        if self._helper_factory is not None:
            self.helper = self._helper_factory(config)
            self.logger = ConnectorLogger(self.helper)
        else:
            self.helper = connect(
                self._make_helper, config, limit, self.health.platform
            )
            self.logger = ConnectorLogger(self.helper)
            make_patient(self.helper, limit, self.logger.warning, self.health.platform)
            self.redact.guard_logs()
            log_context.guard_logs()
            self.redact.guard_excepthook()
            logging.captureWarnings(True)

    @contextmanager
    def opened(self, patience: timedelta | None = None) -> Iterator[None]:
        """Be connected inside the block, without working by itself.

        Args:
            patience: how long to wait for the platform instead of `connector.platform_timeout`.

        Raises:
            PlatformUnavailableError: the platform stays away.
            ConfigValidationError: a setting of the runtime is wrong.
        """
        self.signals.install()
        try:
            self.prepare()
            if patience is not None:
                update = {"platform_timeout": patience}
                self.runtime = self.runtime.model_copy(update=update)
            self.open()
            self.signals.install()
            try:
                yield
            finally:
                self._release()
                self.provenance.close()
        finally:
            self.signals.restore()

    def use_helper(self, helper_factory: HelperFactory) -> None:
        """Run with a stand-in of pycti's helper, made out of the helper's configuration: without a platform."""
        self._helper_factory = helper_factory

    def use_data_path(self, folder: Path) -> None:
        """Keep on disk in this folder what is kept on disk, whatever the settings say."""
        self._data_path = folder

    @property
    def data_path(self) -> Path:
        """The folder for what the connector keeps on disk. It need not exist yet."""
        if self._data_path is not None:
            return self._data_path
        if self.runtime.data_path is not None:
            return self.runtime.data_path
        section = self.settings.to_helper_config().get("connector") or {}
        own = Path("opencti-connectors") / str(section.get("id") or "connector")
        home = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
        existing = next(p for p in (home, *home.parents) if p.exists())
        if home.is_absolute() and os.access(existing, os.W_OK):
            return home / own
        return Path(tempfile.gettempdir()) / own

    def _make_helper(self, config: dict[str, Any]) -> Any:
        # Loads pycti: only when it is needed.
        from pycti import OpenCTIConnectorHelper

        return OpenCTIConnectorHelper(
            config=config, playbook_compatible=self.playbook_compatible
        )

    def _offer_health(self) -> None:
        host, port = self.runtime.health_host, self.runtime.health_port
        if port is None:
            return
        try:
            self._health_server.start(host, port)
        except OSError as error:
            problem = SettingProblem(
                "connector.health_port",
                f"{host}:{port} cannot be listened on: {error.strerror or error}",
                "a port that is free",
            )
            raise ConfigValidationError(problems=[problem]) from error
