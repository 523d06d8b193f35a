"""A stand-in for pycti's `OpenCTIConnectorHelper` that records instead of speaking to a platform."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from connectors_sdk.connectors.quarantine import QuarantinedRecord
from connectors_sdk.well_known import OBSERVABLE_EXTENSION, OPENCTI_EXTENSION

_TLP_ORDER = (
    ("TLP:CLEAR", "TLP:WHITE"),
    ("TLP:GREEN",),
    ("TLP:AMBER",),
    ("TLP:AMBER+STRICT",),
    ("TLP:RED",),
)
_EXTENSIONS = (OPENCTI_EXTENSION, OBSERVABLE_EXTENSION)


@dataclass
class SentBundle:
    """A bundle that was sent.

    Attributes:
        json: the text that was sent.
        objects: its objects.
        work_id: the work it was sent under.
        options: the other arguments of `send_stix2_bundle`.
    """

    json: str
    work_id: str | None
    options: dict[str, Any]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects of the bundle, parsed anew on each access."""
        parsed: list[dict[str, Any]] = json.loads(self.json)["objects"]
        return parsed


@dataclass
class RecordedWork:
    """A work that was opened.

    Attributes:
        id: its id.
        name: what an operator would read.
        messages: what was said about it, in order.
        closed: whether it was closed (or deleted).
        in_error: whether it was closed in error.
        deleted: whether it was deleted.
        expectations: how many objects were announced.
    """

    id: str
    name: str
    messages: list[str] = field(default_factory=list)
    closed: bool = False
    in_error: bool = False
    deleted: bool = False
    expectations: int = 0


@dataclass(frozen=True)
class LogLine:
    """A line of the log: level (`debug`, `info`, `warning`, `error`), message, and values that belong to it."""

    level: str
    message: str
    meta: dict[str, Any] | None = None


class RecordingHelper:  # pylint: disable=too-many-instance-attributes  # pycti's helper has them
    """Has the attributes of pycti's helper that connectors use, and remembers what they do with it.

    Attributes:
        bundles: what was sent, in order.
        works: what was opened, in order.
        log: what was logged, in order.
        saved_states: the states that reached the platform, in order (JSON-ready).
        quarantined: what is in the quarantine after `run_once`, the oldest first.
        metrics: how often each metric was incremented.
        over_threshold: how many further times the platform's queue is reported as too long.
        schedule: period in seconds of the last `schedule_*` call.
        callback: what the last `listen`, `listen_stream` or `schedule_*` call gave.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a helper.

        Args:
            config: the helper's configuration, as `settings.to_helper_config()` gives it.
            state: what the platform remembers of the connector.
        """
        self.config: dict[str, Any] = dict(config or {})
        opencti = self.config.get("opencti") or {}
        connector = self.config.get("connector") or {}
        self.bundles: list[SentBundle] = []
        self.works: list[RecordedWork] = []
        self.log: list[LogLine] = []
        self.saved_states: list[dict[str, Any] | None] = []
        self.metrics: Counter[str] = Counter()
        self.quarantined: list[QuarantinedRecord] = []
        self.over_threshold = 0
        self.schedule: float | None = None
        self.callback: Callable[..., Any] | None = None
        self._failures: list[Exception] = []
        self._state = json.dumps(state) if state else None

        self.opencti_url = opencti.get("url", "http://opencti.invalid")
        self.opencti_token = opencti.get("token", "token-of-the-platform")
        self.connect_id = connector.get("id", "11111111-1111-4111-8111-111111111111")
        self.connector_id = self.connect_id
        self.connect_name = connector.get("name", "Connector under test")
        self.connect_type = connector.get("type", "EXTERNAL_IMPORT")
        self.connect_scope = connector.get("scope", "test")
        self.connect_auto = connector.get("auto", False)
        self.connect_only_contextual = connector.get("only_contextual", False)
        self.connect_duration_period = connector.get("duration_period")
        self.connect_queue_threshold = connector.get("queue_threshold", 500)
        self.connect_run_and_terminate = _is_true(connector.get("run_and_terminate"))
        self.connect_validate_before_import = _is_true(
            connector.get("validate_before_import")
        )
        self.connect_live_stream_id = connector.get("live_stream_id")
        self.connect_live_stream_listen_delete = connector.get(
            "live_stream_listen_delete", True
        )
        self.connect_live_stream_no_dependencies = connector.get(
            "live_stream_no_dependencies", True
        )
        self.connect_confidence_level = None
        self.log_level = str(connector.get("log_level", "error")).upper()
        self.queue_protocol = connector.get("queue_protocol", "api")
        self.bundle_send_to_queue = True
        self.applicant_id = "22222222-2222-4222-8222-222222222222"
        self.work_id: str | None = None
        self.playbook = None
        self.draft_id = None

        self.connector_info = SimpleNamespace(
            run_and_terminate=self.connect_run_and_terminate,
            buffering=False,
            queue_threshold=self.connect_queue_threshold,
            queue_messages_size=0.0,
            next_run_datetime=None,
            last_run_datetime=None,
        )
        self.metric = _Metric(self.metrics)
        self.connector_logger: Any = _Logger(self.log)
        self.log_debug = self.connector_logger.debug
        self.log_info = self.connector_logger.info
        self.log_warning = self.connector_logger.warning
        self.log_error = self.connector_logger.error
        # Any: tests assign to it what they need.
        self.api: Any = _Api(self)
        self.api_impersonate = self.api

    # -- what tests ask ----------------------------------------------------------------------------------------------

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        """All objects that were sent, by id; of several versions the last."""
        return {o["id"]: o for bundle in self.bundles for o in bundle.objects}

    def objects_of(self, stix_type: str) -> list[dict[str, Any]]:
        """Return the objects of this STIX type that were sent, each once."""
        return [o for o in self.objects.values() if o["type"] == stix_type]

    def messages(self, level: str) -> list[str]:
        """Return the messages that were logged at this level."""
        return [line.message for line in self.log if line.level == level]

    def fail_next_sends(self, *errors: Exception) -> None:
        """Let the next calls of `send_stix2_bundle` raise these, one each."""
        self._failures.extend(errors)

    def deliver(self, data: Any) -> Any:
        """Hand data to what `listen` or `listen_stream` was given, as the platform would; return its answer."""
        if self.callback is None:
            raise AssertionError("nobody listens")
        return self.callback(data)

    # -- state -------------------------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any] | None:
        """Return the state, None when there is none."""
        state = json.loads(self._state) if self._state else None
        return state if isinstance(state, dict) and state else None

    def set_state(self, state: dict[str, Any] | None) -> None:
        """Remember a state; it reaches the platform with the next ping."""
        self._state = json.dumps(state) if isinstance(state, dict) else None

    def force_ping(self) -> None:
        """Bring the state to the platform."""
        self.saved_states.append(self.get_state())

    # -- bundles -----------------------------------------------------------------------------------------------------

    @staticmethod
    def stix2_create_bundle(items: list[Any]) -> str:
        """Return a bundle of dictionaries and stix2 objects as JSON text."""
        objects = [
            json.loads(i.serialize()) if hasattr(i, "serialize") else i for i in items
        ]
        return json.dumps(
            {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        )

    @staticmethod
    def stix2_deduplicate_objects(items: list[Any]) -> list[Any]:
        """Return the first object of each id."""
        unique: dict[str, Any] = {}
        for item in items:
            unique.setdefault(item["id"], item)
        return list(unique.values())

    def send_stix2_bundle(self, bundle: str, **kwargs: Any) -> list[str]:
        """Record a bundle.

        Raises:
            ValueError: it is no bundle, or it is empty.
        """
        if self._failures:
            raise self._failures.pop(0)
        if not json.loads(bundle).get("objects"):
            raise ValueError("Nothing to import")
        work_id = kwargs.pop("work_id", self.work_id)
        self.bundles.append(SentBundle(bundle, work_id, kwargs))
        return [bundle]

    # -- running -----------------------------------------------------------------------------------------------------

    def schedule_process(
        self, message_callback: Callable[[], None], duration_period: float
    ) -> None:
        """Run the callback once."""
        self.schedule = float(duration_period)
        self.callback = message_callback
        message_callback()

    def schedule_unit(
        self, message_callback: Callable[[], None], duration_period: Any, time_unit: Any
    ) -> None:
        """Run the callback once."""
        seconds = getattr(time_unit, "value", time_unit)
        self.schedule_process(message_callback, float(duration_period) * seconds)

    def schedule_iso(
        self, message_callback: Callable[[], None], duration_period: str
    ) -> None:
        """Run the callback once."""
        from datetime import timedelta

        from pydantic import TypeAdapter

        period = TypeAdapter(timedelta).validate_python(duration_period)
        self.schedule_process(message_callback, period.total_seconds())

    def listen(self, message_callback: Callable[[dict[str, Any]], Any]) -> None:
        """Remember who listens; see `deliver`."""
        self.callback = message_callback

    def listen_stream(self, message_callback: Callable[[Any], Any], **_: Any) -> None:
        """Remember who listens; see `deliver`."""
        self.callback = message_callback

    def check_connector_buffering(self) -> bool:
        """Say whether the platform's queue is too long."""
        over = self.over_threshold > 0
        self.over_threshold -= over
        self.connector_info.buffering = over
        return over

    def stop(self) -> None:
        """Do nothing."""

    # -- little helpers ----------------------------------------------------------------------------------------------

    @staticmethod
    def check_max_tlp(tlp: str | None, max_tlp: str | None) -> bool:
        """Say whether a marking is at most the maximum.

        Raises:
            ValueError: a marking that is unknown.
        """
        if tlp is None or max_tlp is None:
            return True
        return _tlp_rank(tlp) <= _tlp_rank(max_tlp)

    @staticmethod
    def get_attribute_in_extension(key: str, stix_object: dict[str, Any]) -> Any:
        """Return an attribute from the platform's extensions of an object, or from the object itself."""
        extensions = stix_object.get("extensions", {})
        for extension in _EXTENSIONS:
            if key in extensions.get(extension, {}):
                return extensions[extension][key]
        return stix_object.get(key) if key != "type" else None

    @staticmethod
    def date_now() -> str:
        """Return the time as ISO 8601 text with offset."""
        return datetime.now(timezone.utc).replace(microsecond=0).isoformat()

    @classmethod
    def date_now_z(cls) -> str:
        """Return the time as ISO 8601 text with Z."""
        return cls.date_now().replace("+00:00", "Z")


class _Logger:
    """Records what is logged."""

    def __init__(self, log: list[LogLine]) -> None:
        self._log = log

    def debug(self, message: str, meta: dict[str, Any] | None = None) -> None:
        self._log.append(LogLine("debug", message, meta))

    def info(self, message: str, meta: dict[str, Any] | None = None) -> None:
        self._log.append(LogLine("info", message, meta))

    def warning(self, message: str, meta: dict[str, Any] | None = None) -> None:
        self._log.append(LogLine("warning", message, meta))

    def error(self, message: str, meta: dict[str, Any] | None = None) -> None:
        self._log.append(LogLine("error", message, meta))


class _Metric:
    """Records metrics."""

    def __init__(self, metrics: Counter[str]) -> None:
        self._metrics = metrics

    def inc(self, name: str, n: int = 1) -> None:
        self._metrics[name] += n

    def state(self, state: str, name: str = "state") -> None:
        self._metrics[f"{name}:{state}"] += 1


class _Api:
    """The works of pycti's API client. What else a connector calls, its test provides."""

    def __init__(self, helper: RecordingHelper) -> None:
        self.work = _Works(helper.works)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"RecordingHelper does not imitate helper.api.{name}: assign what your test needs to helper.api.{name}"
        )


class _Works:
    """Records works."""

    def __init__(self, works: list[RecordedWork]) -> None:
        self._works = works

    def _find(self, work_id: str | None) -> RecordedWork:
        for work in self._works:
            if work.id == work_id and not work.deleted:
                return work
        # The form of the platform's answer, see the errors of pycti's client.
        raise ValueError({"name": "WORK_NOT_ALIVE", "error_message": str(work_id)})

    def initiate_work(
        self, connector_id: str, friendly_name: str, is_multipart: bool = False
    ) -> str:
        del is_multipart
        work = RecordedWork(f"work_{connector_id}_{len(self._works)}", friendly_name)
        self._works.append(work)
        return work.id

    def to_received(self, work_id: str, message: str) -> None:
        self._find(work_id).messages.append(message)

    def to_processed(self, work_id: str, message: str, in_error: bool = False) -> None:
        work = self._find(work_id)
        work.messages.append(message)
        work.closed = True
        work.in_error = in_error

    def add_expectations(self, work_id: str, expectations: int) -> bool:
        self._find(work_id).expectations += expectations
        return True

    def report_expectation(self, work_id: str, error: dict[str, Any] | None) -> None:
        if error:
            self._find(work_id).messages.append(str(error.get("error")))

    def add_draft_context(self, work_id: str, draft_context: str) -> None:
        self._find(work_id).messages.append(f"draft {draft_context}")

    def ping(self, work_id: str) -> None:
        self._find(work_id)

    def delete(self, **kwargs: Any) -> None:
        work = self._find(kwargs.get("id"))
        work.closed = work.deleted = True

    def delete_work(self, work_id: str) -> None:
        self.delete(id=work_id)

    def get_is_work_alive(self, work_id: str) -> bool:
        return any(w.id == work_id and not w.deleted for w in self._works)

    def get_work(self, work_id: str) -> dict[str, Any]:
        return _as_platform_tells(self._find(work_id))

    def get_connector_works(self, connector_id: str) -> list[dict[str, Any]]:
        del connector_id
        return [_as_platform_tells(work) for work in self._works if not work.deleted]

    def wait_for_work_to_finish(self, work_id: str) -> str | None:
        return "" if self._find(work_id).in_error else None


def _as_platform_tells(work: RecordedWork) -> dict[str, Any]:
    return {
        "id": work.id,
        "name": work.name,
        "status": "complete" if work.closed else "progress",
        "processed_time": "2024-01-01T00:00:00.000Z" if work.closed else None,
        "messages": [{"message": message} for message in work.messages],
        "errors": [{"message": m} for m in work.messages] if work.in_error else [],
    }


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "yes")


def _tlp_rank(name: str) -> int:
    for rank, names in enumerate(_TLP_ORDER):
        if name.upper() in names:
            return rank
    raise ValueError(f"{name!r} is no TLP marking")
