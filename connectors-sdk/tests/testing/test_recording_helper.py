"""The stand-in behaves like pycti's helper where connectors look."""

import json
from typing import Any

import pycti
import pytest
import stix2
from pycti import OpenCTIConnectorHelper

from connectors_sdk.testing import RecordingHelper

BUNDLE = json.dumps({"type": "bundle", "objects": [{"type": "tool", "id": "tool--1"}]})


def test_bundles_and_objects(recording_helper: RecordingHelper) -> None:
    sent = recording_helper.send_stix2_bundle(BUNDLE, work_id="w", update=True)
    assert sent == [BUNDLE]
    (bundle,) = recording_helper.bundles
    assert (bundle.work_id, bundle.options) == ("w", {"update": True})
    assert recording_helper.objects_of("tool") == bundle.objects
    assert not recording_helper.objects_of("malware")
    with pytest.raises(ValueError, match="Nothing to import"):
        recording_helper.send_stix2_bundle('{"type": "bundle", "objects": []}')


def test_failures_on_demand(recording_helper: RecordingHelper) -> None:
    recording_helper.fail_next_sends(ValueError("a"), OSError("b"))
    with pytest.raises(ValueError, match="a"):
        recording_helper.send_stix2_bundle(BUNDLE)
    with pytest.raises(OSError, match="b"):
        recording_helper.send_stix2_bundle(BUNDLE)
    recording_helper.send_stix2_bundle(BUNDLE)
    assert len(recording_helper.bundles) == 1


def test_works(recording_helper: RecordingHelper) -> None:
    api = recording_helper.api.work
    good, bad, gone = (api.initiate_work("c", name) for name in ("good", "bad", "gone"))
    api.to_received(good, "begun")
    api.add_expectations(good, 3)
    api.to_processed(good, "done")
    api.to_processed(bad, "why", in_error=True)
    api.delete(id=gone)
    assert [(w.closed, w.in_error, w.deleted) for w in recording_helper.works] == [
        (True, False, False),
        (True, True, False),
        (True, False, True),
    ]
    assert recording_helper.works[0].messages == ["begun", "done"]
    assert recording_helper.works[0].expectations == 3
    assert api.get_is_work_alive(good) and not api.get_is_work_alive(gone)
    assert [w["id"] for w in api.get_connector_works("c")] == [good, bad]
    assert api.get_work(bad)["errors"] == [{"message": "why"}]
    assert api.wait_for_work_to_finish(good) is None
    assert api.wait_for_work_to_finish(bad) == ""
    with pytest.raises(ValueError, match="WORK_NOT_ALIVE"):
        api.ping(gone)


def test_what_is_not_imitated_says_so(recording_helper: RecordingHelper) -> None:
    with pytest.raises(AttributeError, match="assign what your test needs"):
        _ = recording_helper.api.indicator
    recording_helper.api.indicator = "mine"
    assert recording_helper.api.indicator == "mine"


def test_state_reaches_the_platform_with_a_ping() -> None:
    helper = RecordingHelper(state={"cursor": 1})
    assert helper.get_state() == {"cursor": 1}
    helper.set_state({"cursor": 2})
    assert not helper.saved_states
    helper.force_ping()
    assert helper.saved_states == [{"cursor": 2}]
    helper.set_state(None)
    assert helper.get_state() is None


def test_configuration() -> None:
    helper = RecordingHelper(
        {
            "connector": {
                "id": "i",
                "name": "n",
                "scope": "a,b",
                "queue_protocol": "amqp",
            }
        }
    )
    assert (helper.connect_id, helper.connect_name) == ("i", "n")
    assert (helper.connect_scope, helper.queue_protocol) == ("a,b", "amqp")


def test_schedules_run_once(recording_helper: RecordingHelper) -> None:
    runs: list[int] = []

    def run() -> None:
        runs.append(1)

    recording_helper.schedule_process(run, 60)
    recording_helper.schedule_iso(run, "PT2M")
    assert recording_helper.schedule == 120
    recording_helper.schedule_unit(run, "2", OpenCTIConnectorHelper.TimeUnit.HOURS)
    assert recording_helper.schedule == 7200
    assert len(runs) == 3


def test_listening(recording_helper: RecordingHelper) -> None:
    with pytest.raises(AssertionError, match="nobody listens"):
        recording_helper.deliver({})
    recording_helper.listen(lambda data: data["entity_id"])
    assert recording_helper.deliver({"entity_id": "x"}) == "x"
    recording_helper.listen_stream(str, start_timestamp="0")
    assert recording_helper.deliver(1) == "1"


def test_log_and_metrics(recording_helper: RecordingHelper) -> None:
    recording_helper.connector_logger.warning("careful", {"a": 1})
    recording_helper.log_debug("detail")
    assert recording_helper.messages("warning") == ["careful"]
    assert recording_helper.log[0].meta == {"a": 1}
    recording_helper.metric.inc("run_count")
    recording_helper.metric.inc("record_send", 5)
    assert recording_helper.metrics == {"run_count": 1, "record_send": 5}


def test_buffering(recording_helper: RecordingHelper) -> None:
    recording_helper.over_threshold = 1
    assert recording_helper.check_connector_buffering()
    assert recording_helper.connector_info.buffering
    assert not recording_helper.check_connector_buffering()


LEVELS = [
    "TLP:CLEAR",
    "TLP:WHITE",
    "TLP:GREEN",
    "TLP:AMBER",
    "TLP:AMBER+STRICT",
    "TLP:RED",
]


@pytest.mark.parametrize("tlp", [None, *LEVELS])
@pytest.mark.parametrize("max_tlp", [None, *LEVELS])
def test_tlp_as_pycti(tlp: Any, max_tlp: Any) -> None:
    expected = OpenCTIConnectorHelper.check_max_tlp(tlp, max_tlp)
    assert RecordingHelper.check_max_tlp(tlp, max_tlp) == expected


def test_an_unknown_tlp_is_refused() -> None:
    with pytest.raises(ValueError, match="TLP:BLUE"):
        RecordingHelper.check_max_tlp("TLP:BLUE", "TLP:RED")


def test_extensions_as_pycti() -> None:
    stix = {
        "type": "tool",
        "name": "n",
        "extensions": {
            "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba": {"id": "x"},
            "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82": {"score": 5},
        },
    }
    for key in ("id", "score", "name", "type", "absent"):
        expected = OpenCTIConnectorHelper.get_attribute_in_extension(key, stix)
        assert RecordingHelper.get_attribute_in_extension(key, stix) == expected


def test_helper_functions_for_stix(recording_helper: RecordingHelper) -> None:
    tool = stix2.Tool(id=pycti.Tool.generate_id("t"), name="t")
    unique = recording_helper.stix2_deduplicate_objects([tool, tool])
    bundle = json.loads(recording_helper.stix2_create_bundle(unique))
    assert [o["id"] for o in bundle["objects"]] == [tool.id]
    assert recording_helper.date_now_z().endswith("Z")
