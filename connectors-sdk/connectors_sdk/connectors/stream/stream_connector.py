"""The base class of a connector that keeps a target in step with a live stream of the platform."""

import gc
import sys
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors.base_connector import BaseConnector
from connectors_sdk.connectors.egress import EgressGate, platform_definitions
from connectors_sdk.connectors.errors import UnsupportedError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.memory_fuse import MemoryLimitError
from connectors_sdk.connectors.quarantine import Replayed
from connectors_sdk.connectors.stream._dead_letters import DeadLetters
from connectors_sdk.connectors.stream._errands import Errands
from connectors_sdk.connectors.stream._follower import Follower
from connectors_sdk.connectors.stream._intake import Intake
from connectors_sdk.connectors.stream._platform import StreamPlatform
from connectors_sdk.connectors.stream._report import StreamReport
from connectors_sdk.connectors.stream._scope import TypeScope
from connectors_sdk.connectors.stream.events import StreamEvent
from connectors_sdk.connectors.stream.reconcile import (
    Reconciler,
    Reconciliation,
    RemoteItem,
)
from connectors_sdk.connectors.stream.results import Result
from connectors_sdk.connectors.stream.settings import StreamOptions
from connectors_sdk.connectors.stream.targets import Targets, TargetsError
from connectors_sdk.settings.exceptions import ConfigValidationError, SettingProblem

_MAP = "targets.sqlite"


@dataclass(frozen=True)
class StreamParts:
    """What the parts of the runtime share; built when the connector has met the platform."""

    platform: StreamPlatform
    scope: TypeScope
    intake: Intake
    report: StreamReport
    dead_letters: DeadLetters


class StreamConnector(BaseConnector):
    """Hands what happens on the platform to a target, in batches, each event until the target has it.

    An author overrides `deliver`, and perhaps `wants`, `target_name`, and what `reconcile` needs.

    Attributes:
        types: which types of objects it is about, in STIX (`indicator`) or OpenCTI (`IPv4-Addr`), or families such as
            `Stix-Cyber-Observable`; empty for all. The operator's `connector.scope` can narrow them.
        remove_revoked: whether a revoked object is removed from the target. If not, it is an upsert like any other.
        remove_expired: whether an object is removed from the target when its `valid_until` has passed.
        every_event: whether each event counts. If not, of several events about one object in a batch only the last is
            delivered: each holds its object whole.
        options: how the stream is followed.
        targets: what the target has: platform id <-> remote id.
        parts: of the runtime.
    """

    connector_type: ClassVar[str] = "STREAM"
    types: ClassVar[tuple[str, ...]] = ()
    remove_revoked: ClassVar[bool] = True
    remove_expired: ClassVar[bool] = True
    every_event: ClassVar[bool] = False

    options: StreamOptions
    targets: Targets
    parts: StreamParts

    _follower: Follower | None = None

    # -- what an author overrides --------------------------------------------------------------------------------

    @abstractmethod
    def deliver(self, events: Sequence[StreamEvent]) -> Iterable[Result] | None:
        """Hand events to the target.

        Called again with what was not accepted; so doing the same twice must be the same as doing it once.

        Args:
            events: what the target is to do (`event.action`), in the order of the stream; at most one event about an
                object.

        Returns:
            `accepted()`, `retry(reason)` or `refused(reason)` for each event, in the same order, as a list or, one after
            the other, as a generator; None when all are accepted.

        Raises:
            TargetUnavailableError: the target takes nothing at the moment. Errors of the network and of HTTP may be let
                through as they are: no connection, 401, 429, 502 and 503 mean the same; other 4xx blame the event.
        """

    def wants(self, stix: Mapping[str, Any]) -> bool:
        """Whether the target is to have an object, e.g. because of its score or labels.

        An object that ceases to be wanted is removed from the target.

        Args:
            stix: the STIX object; `attribute(stix, "score")` finds what the platform keeps in its extensions.
        """
        del stix
        return True

    def target_name(self) -> str:
        """Return a name of the target; under another name nothing is known of what it has.

        At best its address, so that another target in the settings begins with an empty map.
        """
        return ""

    # For `reconcile`:

    def remote_items(self) -> Iterable[RemoteItem]:
        """Yield what the target has because of this connector, and nothing that others have put there.

        Raises:
            UnsupportedError: the connector does not tell.
        """
        raise UnsupportedError(
            "be reconciled unless they tell what their target has (remote_items)"
        )

    def remote_id_of(self, event: StreamEvent) -> str:
        """Return the id that an object has at the target, or would have. By default what the map says, or else
        `event.id`."""
        return event.remote_id or event.id

    def fingerprint(self, event: StreamEvent) -> str | None:
        """Return what `RemoteItem.fingerprint` would be if the target had an object as it is in the event.

        None: only its presence is compared.
        """

    # -- what the command line calls -----------------------------------------------------------------------------

    def replay(self, *record_ids: str) -> Replayed:
        """Deliver events once more that were set aside: as the objects are now, unless every event counts.

        The connector must be open; another process of it may run.
        """
        return self.quarantine.replay(Errands(self).replay, *record_ids)

    def reconcile(self, apply: bool = False) -> Reconciliation:
        """Compare what the target should have with what it has.

        The connector must be open; another process of it may run.

        Args:
            apply: write what is missing or different, remove what is surplus. Without, nothing is changed.

        Raises:
            UnsupportedError: the connector does not tell what its target has.
            ErrandError: the target is away.
        """
        return Reconciler(self).run(apply)

    # -- the life of the runtime ---------------------------------------------------------------------------------

    def _bind(self) -> None:
        section = self.settings.connector
        # Of a plain `BaseStreamConnectorConfig` the defaults hold.
        self.options = (
            section if isinstance(section, StreamOptions) else StreamOptions()
        )
        try:
            self.targets = Targets(self.data_path / _MAP, self.target_name())
        except TargetsError as error:
            problem = SettingProblem(
                "connector.data_path", str(error), "a folder that can be written to"
            )
            raise ConfigValidationError(problems=[problem]) from error

    def _set_up(self) -> None:
        platform = StreamPlatform(self.helper)
        platform.check_stream()
        scope = TypeScope(self.types, self.settings.connector.scope)
        if scope.ignored:
            self.logger.info(
                f"Not types of objects, so they limit nothing: {', '.join(scope.ignored)} (connector.scope)."
            )
        report = StreamReport(self.metrics)
        gate = EgressGate(
            self.options.max_tlp,
            resolve=platform_definitions(self.helper),
            log=self._log_decision,
        )
        intake = Intake(
            scope,
            gate,
            self.wants,
            self.targets.__contains__,
            report.skipped,
            report.decided,
            remove_revoked=self.remove_revoked,
            remove_expired=self.remove_expired,
        )
        letters = DeadLetters(
            self.quarantine, report, self.health, self.logger, self.redact
        )
        self.parts = StreamParts(platform, scope, intake, report, letters)

    def _serve(self) -> None:
        self._follower = Follower(self)
        # What the imports made lives as long as the process. The collector would look at it again and again, and an
        # event makes many small objects.
        gc.freeze()
        try:
            with self.fuse.guard():
                self._follower.run()
        except MemoryLimitError as error:
            self.logger.error(f"The connector is {error}.")
            sys.exit(ExitCode.FAILURE)
        except StopRequested as stop:
            summary = self.parts.report.summary()
            self.logger.info(f"Connector stopped by {stop}. {summary}")
            raise

    def _release(self) -> None:
        if self._follower is not None:
            self._follower.stop()
        if hasattr(self, "targets"):
            self.targets.close()

    def _log_decision(self, sentence: str, meta: dict[str, Any]) -> None:
        # What leaves is seen at the target.
        if not meta["allowed"]:
            self.logger.debug(sentence, meta)
