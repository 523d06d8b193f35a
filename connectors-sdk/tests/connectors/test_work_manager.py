"""The life of works, recorded."""

import socket
from collections.abc import Iterator
from typing import Any

import pycti
import pytest
import stix2

from connectors_sdk import WorkManager
from connectors_sdk.bundles import BundleError
from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors.external_import._work_manager import (
    close_leftover_works,
)
from connectors_sdk.models import Malware, OrganizationAuthor, Reference
from connectors_sdk.testing import RecordingHelper

NOWHERE = "identity--00000000-0000-5000-8000-000000000000"


def tool(number: int, **values: Any) -> dict[str, Any]:
    stix_id = f"tool--00000000-0000-5000-8000-{number:012x}"
    return {"type": "tool", "id": stix_id, "name": f"t{number}", **values}


@pytest.fixture(name="helper")
def _helper() -> RecordingHelper:
    return RecordingHelper()


@pytest.fixture(name="manager")
def _manager(helper: RecordingHelper) -> WorkManager:
    return WorkManager(helper)


def test_nothing_to_send_no_work(helper: RecordingHelper, manager: WorkManager) -> None:
    with manager:
        manager.send([], "empty")
        manager.send(iter(()), "empty")
    assert not helper.works and not helper.bundles


def test_outside_of_the_context(manager: WorkManager) -> None:
    with pytest.raises(RuntimeError, match="with work_manager"):
        manager.send([tool(1)], "w")
    with manager:
        manager.send([tool(1)], "w")
    with pytest.raises(RuntimeError):
        manager.send([tool(1)], "w")


def test_one_name_one_work_another_name_another(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    with manager:
        manager.send([tool(1)], "first")
        manager.send([tool(2)], "first")
        assert not helper.works[0].closed
        manager.send([tool(3)], "second")
        assert helper.works[0].messages == ["Work completed successfully"]
    assert [w.name for w in helper.works] == ["first", "second"]
    assert [b.work_id for b in helper.bundles] == [
        helper.works[0].id,
        helper.works[0].id,
        helper.works[1].id,
    ]
    assert all(w.closed and not w.in_error for w in helper.works)


def test_all_forms_and_what_they_hold_go_as_one_bundle(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    author = OrganizationAuthor(name="A")
    malware = Malware(name="M", is_family=False, author=author)
    identity = stix2.Identity(
        id=pycti.Identity.generate_id("I", "individual"),
        name="I",
        identity_class="individual",
    )
    with manager:
        manager.send([malware, identity, tool(1)], "w")
    (bundle,) = helper.bundles
    assert {o["id"] for o in bundle.objects} == {
        author.id,
        malware.id,
        identity.id,
        tool(1)["id"],
    }
    assert manager.report.sent == 4
    assert helper.metrics["record_send"] == 4


def test_a_huge_list_is_several_bundles(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    with manager:
        manager.send([tool(n) for n in range(10_001)], "w")
    assert [len(b.objects) for b in helper.bundles] == [10_000, 1]
    assert len(helper.works) == 1


def test_a_stream_is_consumed_as_it_is_sent(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    sent_before: list[int] = []

    def stream() -> Iterator[dict[str, Any]]:
        for number in range(2001):
            sent_before.append(len(helper.bundles))
            yield tool(number)

    with manager:
        manager.send(stream(), "w")
    assert [len(b.objects) for b in helper.bundles] == [1000, 1000, 1]
    assert sent_before[999] == 0 and sent_before[1999] == 1 and sent_before[2000] == 1


def test_options_go_to_pycti(helper: RecordingHelper, manager: WorkManager) -> None:
    with manager:
        manager.send([tool(1)], "w", update=True)
        manager.send([tool(2)], "w", cleanup_inconsistent_bundle=False, no_split=False)
        reference = Malware(name="M", is_family=True, author=Reference(id=NOWHERE))
        manager.send([reference], "w")
    first, second, third = (b.options for b in helper.bundles)
    assert first == {
        "update": True,
        "cleanup_inconsistent_bundle": True,
        "no_split": True,
    }
    assert second == {"cleanup_inconsistent_bundle": False, "no_split": False}
    # What is referred to on purpose must not be cleaned up.
    assert third["cleanup_inconsistent_bundle"] is False


def test_a_failure_after_something_was_sent(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    with pytest.raises(ValueError, match="broken"), manager:
        manager.send([tool(1)], "w")
        raise ValueError("broken")
    (work,) = helper.works
    assert work.closed and work.in_error and not work.deleted
    assert work.messages == ["Work failed with error: broken"]


def test_a_failing_first_bundle_is_shown_not_hidden(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    failure = ValueError({"name": "BAD", "error_message": "refused"})
    helper.fail_next_sends(failure)
    with pytest.raises(ValueError), manager:
        manager.send([tool(1)], "w")
    (work,) = helper.works
    assert work.in_error
    assert work.messages == [
        "Work failed with error: the platform answers BAD: refused"
    ]
    manager.report_failure("w", failure)
    assert len(helper.works) == 1


def test_a_failure_without_a_work_gets_one(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    failure = KeyError("page")
    with pytest.raises(KeyError), manager:
        raise failure
    assert not helper.works
    manager.report_failure("w", failure)
    manager.report_failure("w", failure)
    (work,) = helper.works
    assert work.name == "w" and work.in_error and "page" in work.messages[0]


def test_what_is_no_stix_object_fails_in_words(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    with pytest.raises(BundleError), manager:
        manager.send([tool(1), {"name": "no id"}], "w")
    assert not helper.bundles


def test_stopping_is_no_error(helper: RecordingHelper, manager: WorkManager) -> None:
    with pytest.raises(SystemExit), manager:
        manager.send([tool(1)], "w")
        raise StopRequested("SIGTERM")
    (work,) = helper.works
    assert work.closed and not work.in_error
    assert work.messages == ["Stopped before the end (SIGTERM); the next run goes on."]


def test_remarks_and_secrets(helper: RecordingHelper, manager: WorkManager) -> None:
    manager.redact = lambda text: text.replace("hunter2", "***")
    with manager:
        manager.send([tool(1)], "w")
        manager.report.add_quarantined(2)
        manager.report.add_error("hunter2 was refused")
    assert helper.works[0].messages == [
        "Work completed successfully: 2 set aside; *** was refused"
    ]
    with pytest.raises(ValueError), manager:
        manager.send([tool(2)], "w")
        raise ValueError("hunter2")
    assert helper.works[1].messages == ["Work failed with error: ***"]


def test_a_work_that_cannot_be_closed_does_not_hide_the_failure(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    with pytest.raises(ValueError, match="broken"), manager:
        manager.send([tool(1)], "w")
        helper.works.clear()
        raise ValueError("broken")
    assert "could not be closed" in helper.messages("warning")[0]


def test_a_failure_that_cannot_be_shown_is_logged(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    helper.api.work = None
    manager.report_failure("w", ValueError("broken"))
    assert "could not be shown" in helper.messages("warning")[0]


def test_leftovers_are_closed(helper: RecordingHelper, manager: WorkManager) -> None:
    helper.api.work.initiate_work("c", "left open")
    with manager:
        manager.send([tool(1)], "closed")
    close_leftover_works(helper)
    left, closed = helper.works
    assert left.closed and left.in_error and "later run goes on" in left.messages[0]
    assert closed.messages == ["Work completed successfully"]
    helper.api.work = None
    close_leftover_works(helper)
    assert "could not be closed" in helper.messages("warning")[-1]


# -- backpressure ----------------------------------------------------------------------------------------------------


def test_holds_back_while_the_queue_is_over_the_threshold(
    helper: RecordingHelper, manager: WorkManager
) -> None:
    helper.over_threshold = 2
    with manager:
        manager.send([tool(1)], "w")
        manager.send([tool(2)], "w")
    assert helper.over_threshold == 0
    assert len(helper.bundles) == 2
    assert "over the threshold" in helper.messages("warning")[0]
    assert "going on" in helper.messages("info")[0]
    # The first bundle waited before its work was opened.
    assert len(helper.messages("warning")) == 1


def test_a_broker_that_is_away(helper: RecordingHelper, manager: WorkManager) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    helper.queue_protocol = "amqp"
    helper.connector_config = {  # type: ignore[attr-defined]
        "connection": {"host": "127.0.0.1", "port": str(port)}
    }
    manager.platform_limit = 0.3
    with pytest.raises(ConnectionError, match="message broker.*refused"), manager:
        manager.send([tool(1)], "w")
    assert not helper.works
    assert "message broker is away" in helper.messages("warning")[0]
    with socket.create_server(("127.0.0.1", port)), manager:
        manager.send([tool(1)], "w")
    assert len(helper.bundles) == 1
    assert "no_split" not in helper.bundles[0].options
