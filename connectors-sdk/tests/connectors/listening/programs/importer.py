"""A file import connector as an author would write it, and variants of the runtime that break one clause each.

A text file has a line for each thing: an address, `private <address>`, `bad <anything>`, or an order to misbehave.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any

import breaking
from long_requests import shorten
from pydantic import Field, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors import run_connector
from connectors_sdk.connectors.internal_import_file import (
    ImportedFile,
    ImportFileConnectorConfig,
    InternalImportFileConnector,
    UnreadableFile,
    objects,
)
from connectors_sdk.models import IPV4Address, Malware, Relationship

# Several bundles need not be thousands of objects.
objects.BundleBuilder = partial(objects.BundleBuilder, max_objects=100)  # type: ignore[attr-defined]


class ConnectorConfig(ImportFileConnectorConfig):
    name: str = Field(default="Importer")
    scope: ListFromString = Field(
        default=["text/plain", "application/zip", "application/json"]
    )


class SourceConfig(BaseConfigModel):
    url: str
    api_key: SecretStr


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    source: SourceConfig = Field(default_factory=SourceConfig)


class Importer(InternalImportFileConnector):
    def before_parse(self, file: ImportedFile) -> Any:
        return {"platform": self.helper.opencti_url}

    def parse(self, file: ImportedFile) -> Iterator[Any]:
        assert file.prepared["platform"].startswith("http")
        if file.mime_type == "application/zip":
            try:
                with zipfile.ZipFile(file.path) as packed:
                    for name in packed.namelist():
                        yield from self._lines(file, packed.read(name).decode())
            except (zipfile.BadZipFile, RuntimeError) as error:
                raise UnreadableFile(f"no readable ZIP file ({error})") from error
        elif file.mime_type == "application/json":
            yield from json.loads(file.path.read_bytes())["objects"]
        else:
            self.logger.info("A text file is read", {"name": file.name})
            yield from self._lines(file, file.path.read_text())

    def _lines(self, file: ImportedFile, text: str) -> Iterator[Any]:
        lines = (line.strip() for line in text.splitlines())
        for line in lines:
            if not line:
                continue
            if line.startswith("private "):
                file.filtered("private address")
            elif line.startswith("!"):
                yield from self._misbehave(line[1:])
            else:
                yield from file.each([line], self.address)

    def address(self, line: str) -> Any:
        if line.startswith("bad"):
            raise ValueError(f"{line} is no address")
        address = IPV4Address(value=line)
        if line.endswith(".1"):
            return [
                Relationship(
                    type="related-to",
                    source=address,
                    target=Malware(name=f"of {line}", is_family=True),
                )
            ]
        return address

    def _misbehave(self, how: str) -> Iterator[Any]:
        what, _, argument = how.partition(" ")
        if what == "sleep":
            time.sleep(float(argument))
        elif what == "fork":
            # Also what it starts must end.
            with subprocess.Popen(["sleep", "1000"]) as process:
                process.wait()
        elif what == "memory":
            held = []
            while True:
                held.append(os.urandom(10_000_000))
        elif what == "objects":
            number = 0
            while True:
                number += 1
                yield IPV4Address(
                    value=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                )
        elif what == "disk":
            with tempfile.NamedTemporaryFile() as unpacked:
                while True:
                    unpacked.write(b"0" * 1_000_000)
        elif what == "exit":
            os._exit(3)
        elif what == "crash":
            os.abort()
        elif what == "leak":
            raise ValueError(f"?key={self.settings.source.api_key.get_secret_value()}")
        elif what == "environment":
            seen = {
                **os.environ,
                "token": self.settings.opencti.token.get_secret_value(),
            }
            print(json.dumps(seen))
            raise UnreadableFile(
                f"{sorted(k for k, v in seen.items() if v and 'TOKEN' in k.upper())}"
            )
        elif what == "dictionary":
            yield {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "10.0.0.1"}
            yield {"type": "note", "id": "x"}
            yield "a text"


# -- what breaks ---------------------------------------------------------------------------------------------------------


class Unmarked(Importer):
    def _fetch(self, message: Any, place: Any) -> Any:
        return super()._fetch({**message, "file_markings": []}, place)


class Unattached(Importer):
    def _fetch(self, message: Any, place: Any) -> Any:
        return super()._fetch({**message, "entity_id": None}, place)


class InTheSameProcess(Importer):
    """As connectors on pycti do."""

    def _read(self, file: Any, dress: Any, place: Any) -> Any:
        import orjson

        from connectors_sdk.connectors.internal_import_file.objects import Findings
        from connectors_sdk.connectors.internal_import_file.sandbox import Outcome

        file = type(file)(
            **{n: getattr(file, n) for n in file.__slots__ if n != "prepared"},
            prepared=self.before_parse(file),
        )
        findings = Findings(dress, 10**9, lambda raw, reason: None)
        with open(place.folder / "bundles.jsonl", "wb") as output:
            for bundle in findings.bundles(self.parse(file)):
                line = {"external": bundle.external, "objects": bundle.objects}
                output.write(orjson.dumps(line) + b"\n")
        return Outcome(findings.found, dict(file.tally.filtered), 0)


class FailsSilently(Importer):
    def _complain(self, outcome: Any, place: Any) -> None:
        pass


class NoLimitOfSize(Importer):
    def prepare(self) -> None:
        super().prepare()
        self.options = self.options.model_copy(update={"file_max_mb": 10**6})


class SilentFilter(Importer):
    def _read(self, file: Any, dress: Any, place: Any) -> Any:
        from dataclasses import replace

        return replace(super()._read(file, dress, place), filtered={})


class SilentQuarantine(Importer):
    def _set_aside(self, *_: Any) -> None:
        pass


class TellsOfAll(Importer):
    """As if everything that was bad had been kept."""

    def _words_of_bad(self, count: int) -> str:
        return f" Set aside, see the quarantine: {count}." if count else ""


class AllOrNothing(Importer):
    def address(self, line: str) -> Any:
        try:
            return super().address(line)
        except ValueError as error:
            raise OSError(str(error)) from error


class IgnoresValidation(Importer):
    def _deliver(self, message: Any, *rest: Any) -> str:
        return super()._deliver({**message, "bypass_validation": True}, *rest)


class ManyDrafts(Importer):
    def _draft(self, name: str, message: Any) -> Any:
        return None


class ForgetsDraft(Importer):
    def _draft_file(self) -> Any:
        return None


class TellsSecrets(breaking.TellsSecrets, Importer):
    pass


class AcknowledgesFirst(breaking.AcknowledgesFirst, Importer):
    pass


class IgnoresSignals(breaking.IgnoresSignals, Importer):
    pass


VARIANTS = {
    cls.__name__: cls
    for cls in (Importer, *Importer.__subclasses__())
    if cls.__module__ == __name__
}


def build() -> InternalImportFileConnector:
    shorten()
    cls = VARIANTS[os.environ.get("BROKEN") or "Importer"]
    return cls(ConnectorSettings())


if __name__ == "__main__":
    sys.exit(run_connector(build))
