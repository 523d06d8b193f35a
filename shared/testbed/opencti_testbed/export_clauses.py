"""What every connector that exports files does. The tests of one inherit it and say what is particular to it:

class TestClauses(ExportClauses):
    mime_type = "text/csv"
    wrong_setting = ("EXAMPLE_DELIMITER", ";;")

    def names(self, content: bytes) -> list[str]:
        return [row["name"] for row in csv.DictReader(content.decode().splitlines())]

Needed besides: the fixtures of `opencti_testbed.fixtures`, and `demo/threats.json` with several pieces of malware, one of
them marked TLP:RED, and a report about it and another.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from opencti_testbed.export_trial import Exported, ExportTrial
from opencti_testbed.fixtures import over_http
from opencti_testbed.image_trial import Image, ImageTrial, has_engine
from opencti_testbed.process import TestbedProcess

Exporter = Callable[..., ExportTrial]
LIST: dict[str, Any] = {"entity_type": "Malware", "orderBy": "name", "orderMode": "asc"}
CANARY = "canary-4f1c"
# What the client asks the platform for to list malware.
LISTING = "malwares\\("


class ExportClauses(ABC):
    """Tests that any file exporter passes.

    Attributes:
        mime_type: of its files.
        wrong_setting: one of its variables, and a value that it refuses.
    """

    mime_type: str
    wrong_setting: tuple[str, str]

    @abstractmethod
    def names(self, content: bytes) -> list[str]:
        """Return the names of the malware in a file.

        Raises:
            Exception: the file is not what it should be.
        """

    def listed(self, file: Exported) -> set[str]:
        """Return the names of the malware in a file that was made without complaints."""
        assert not file.complaints, file.complaints
        names = self.names(file.content or b"")
        assert len(names) == len(set(names)), names
        return set(names)

    @over_http
    @pytest.mark.parametrize(
        "fault",
        [
            {"action": "status", "status": 503, "times": 3},
            {"action": "status", "status": 429, "times": 2},
            {"action": "drop", "times": 2},
            {"action": "truncate", "amount": 100, "times": 2},
            {"action": "delay", "seconds": 0.5, "times": 2},
        ],
        ids=["503", "429", "dropped", "truncated", "slow"],
    )
    def test_a_platform_in_trouble_loses_nothing(
        self, exporter: Exporter, platform: TestbedProcess, fault: dict[str, Any]
    ) -> None:
        with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
            platform.order_fault(operation=LISTING, **fault)
            file = trial.export(self.mime_type, **LIST)
            (ordered,) = platform.get("faults")
            assert ordered["met"] == fault["times"]
            assert self.listed(file) == malware(platform)

    @over_http
    @pytest.mark.parametrize(
        "fault",
        [
            {"action": "error", "code": "DATABASE_ERROR", "message": "no such index"},
            {"action": "status", "status": 400, "message": "what is this?"},
            {"action": "expire-token"},
            {"action": "answer", "body": {"data": {"malwares": 7}}},
            {"action": "answer", "body": {"data": {"malwares": {"edges": [1, 2]}}}},
            {"action": "answer", "body": {"data": None}},
            {"action": "answer", "body": {"data": {"something": "else"}}},
            {"action": "answer", "body": []},
            {"action": "answer", "body": "a text"},
            {"action": "answer", "body": None},
        ],
        ids=lambda fault: str(fault.get("code") or fault.get("body", fault["action"])),
    )
    def test_a_fault_that_stays_is_told_and_the_next_request_served(
        self, exporter: Exporter, platform: TestbedProcess, fault: dict[str, Any]
    ) -> None:
        with exporter() as trial:
            platform.order_fault(operation=LISTING, **fault)
            file = trial.export(self.mime_type, **LIST)
            (complaint,) = file.complaints
            assert file.content is None
            # In words, not the words of a program.
            assert len(complaint) > 20 and "Traceback" not in complaint, complaint
            for foreign in ("object is not", "NoneType", "KeyError", "TypeError"):
                assert foreign not in complaint, complaint
            platform.lift_faults()
            assert self.listed(trial.export(self.mime_type, **LIST))

    @over_http
    def test_the_file_has_the_announced_name_whatever_stands_in_it(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        name = 'The "Lamp"; 100%22 o\'clock \u00e4'
        stix_id = "malware--2f6a6a5e-1f53-5c1c-9a5d-00000000000b"
        platform.push(
            [{"type": "malware", "id": stix_id, "name": name, "is_family": False}]
        )
        platform.wait_idle()
        with exporter() as trial:
            asked = trial.ask(self.mime_type, entity_id=stix_id)
            file = trial.fetch(asked)
        assert self.listed(file) == {name}
        assert name in file.name and file.name == asked["name"]

    def test_killed_half_way_the_file_is_made_by_the_next_life(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
            platform.order_fault("delay", seconds=0.5)
            asked = trial.ask(self.mime_type, **LIST)
            platform.wait_for(lambda _: platform.works()[0]["messages"])
            assert platform.works()[0]["status"] != "complete"
            trial.kill()
            platform.lift_faults()
            trial.start()
            assert self.listed(trial.fetch(asked)) == malware(platform)

    @over_http
    def test_a_file_that_the_platform_does_not_take_is_told_in_words(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        with exporter() as trial:
            platform.order_fault("limit-body", amount=4_000)
            refused = trial.export(self.mime_type)
            platform.lift_faults()
            (complaint,) = refused.complaints
            assert complaint.startswith("the platform answers PAYLOAD_TOO_LARGE")
            assert "{" not in complaint
            assert self.listed(trial.export(self.mime_type, **LIST))

    @over_http
    @pytest.mark.parametrize("full", [False, True], ids=["simple", "full"])
    def test_who_asks_gets_what_they_may_see(
        self, exporter: Exporter, platform: TestbedProcess, full: bool
    ) -> None:
        with exporter() as trial:
            reader = trial.reader("TLP:GREEN")
            file = trial.export(self.mime_type, user_id=reader, full=full, **LIST)
            seen = malware(platform, hidden="TLP:RED")
            assert self.listed(file) == seen != malware(platform)
            for name in malware(platform) - seen:
                assert name.encode() not in (file.content or b"")

    @over_http
    def test_what_is_above_the_limit_stays_out(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        seen = malware(platform, hidden="TLP:RED")
        (secret,) = malware(platform) - seen
        objects = {one.get("name"): one for one in platform.objects()}
        red = objects[secret]["id"]
        (report,) = (one["id"] for one in objects.values() if one["type"] == "report")
        with exporter() as trial:
            for wanted in (
                LIST,
                {**LIST, "full": True},
                {"entity_id": report},
                {"entity_id": report, "full": True},
            ):
                file = trial.export(self.mime_type, most="TLP:GREEN", **wanted)
                assert not file.complaints and file.content
                assert secret.encode() not in file.content
                assert red.encode() not in file.content
                assert file.markings == ["TLP:GREEN"]
                if wanted is LIST:
                    assert self.listed(file) == seen
            alone = trial.export(self.mime_type, most="TLP:GREEN", entity_id=red)
            assert "nothing to export" in alone.complaints[0]
            assert alone.content is None
            # The connector goes on.
            assert self.listed(trial.export(self.mime_type, **LIST))

    @over_http
    def test_wrong_settings_are_told_without_secrets(self, exporter: Exporter) -> None:
        name, value = self.wrong_setting
        wrong: dict[str, Any] = {name: value, "OPENCTI_TOKEN": CANARY}
        done = exporter().trial.run(**wrong)
        output = done.stdout + done.stderr
        assert done.returncode == 2, output
        assert name in output
        assert CANARY not in output and "Traceback" not in output

    @over_http
    def test_a_token_that_is_wrong_is_told_without_it(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        platform.order_fault("expire-token")
        trial = exporter(OPENCTI_TOKEN=CANARY, CONNECTOR_LOG_LEVEL="debug").trial
        done = trial.run(CONNECTOR_PLATFORM_TIMEOUT="PT1S")
        output = done.stdout + done.stderr
        assert done.returncode == 1, output
        assert "token" in output
        assert CANARY not in output and "Traceback" not in output

    @over_http
    def test_it_describes_itself(self, exporter: Exporter) -> None:
        described = json.loads(exporter().trial.run("describe", "--json").stdout)
        assert described["type"] == "INTERNAL_EXPORT_FILE"
        assert self.mime_type in described["scope"]

    @pytest.mark.container
    @pytest.mark.timeout(900)
    @pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
    @over_http
    def test_the_image_exports_without_root_on_a_read_only_system(
        self, exporter: Exporter, platform: TestbedProcess
    ) -> None:
        image = Image(exporter().trial.folder)
        image.build()
        assert image.user_id() not in {"", "0"}
        described = image.run(platform, "describe", "--json")
        assert json.loads(described.stdout)["type"] == "INTERNAL_EXPORT_FILE"
        with ExportTrial(ImageTrial(image, platform)) as trial:
            file = trial.export(self.mime_type, **LIST)
            assert self.listed(file) == malware(platform)
            trial.process.terminate()
            assert trial.process.wait(30) == 0


def malware(platform: TestbedProcess, hidden: str = "") -> set[str]:
    """Return the names of a platform's malware, but for what has a certain marking."""
    objects = list(platform.objects())
    ids = {one["id"] for one in objects if one.get("definition") == hidden}
    return {
        one["name"]
        for one in objects
        if one["type"] == "malware"
        and ids.isdisjoint(one.get("object_marking_refs", ()))
    }
