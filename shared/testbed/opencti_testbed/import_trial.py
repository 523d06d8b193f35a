"""A file import connector on trial: running against a platform, given files.

with ImportTrial(Trial(folder, platform, tmp_path)) as trial:
    done = trial.give("a.json", content, "application/json")
assert done.complaints == []
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from opencti_testbed.listening_trial import ListeningTrial

_UPLOAD = """
mutation Upload($file: Upload!, $markings: [String]) {
  uploadImport(file: $file, fileMarkings: $markings) { id }
}
"""
_ASK = """
mutation Ask($file: ID!, $connector: String, $entity: String, $mode: ValidationMode, $bypass: Boolean) {
  askJobImport(
    fileName: $file, connectorId: $connector, bypassEntityId: $entity, validationMode: $mode, bypassValidation: $bypass
  ) { id }
}
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file.

    Attributes:
        messages: of the work.
        complaints: the errors of the work, those of the platform about single objects included.
    """

    messages: list[str]
    complaints: list[str]

    @property
    def words(self) -> str:
        """All that the work says."""
        return "\n".join((*self.messages, *self.complaints))


class ImportTrial(ListeningTrial):
    """Runs the connector while the context lasts."""

    def give(
        self, name: str, content: bytes, mime_type: str, **wanted: Any
    ) -> Imported:
        """Give it a file (see `ask`), and wait for the work and for the ingestion of what came of it.

        Raises:
            TimeoutError: the work is not done after two minutes.
        """
        self.ask(name, content, mime_type, **wanted)
        return self.result(name)

    # Each argument is a member of the platform's request.
    # pylint: disable-next=too-many-arguments
    def ask(
        self,
        name: str,
        content: bytes,
        mime_type: str,
        *,
        markings: tuple[str, ...] = (),
        entity_id: str | None = None,
        mode: str | None = None,
        bypass: bool = True,
    ) -> None:
        """Upload a file and have it imported.

        Args:
            name: of the file; works are told apart by it.
            content: of the file.
            mime_type: of the file.
            markings: definitions, e.g. `TLP:GREEN`.
            entity_id: on whose page it is uploaded: the id, STIX or the platform's own.
            mode: `draft` or `workbench`, with `bypass=False`.
            bypass: whether what is found goes into the platform at once.

        Raises:
            ValueError: the platform refuses.
        """
        sent = {
            "query": _UPLOAD,
            "variables": {"file": None, "markings": [*map(self._marking, markings)]},
        }
        answer = requests.post(
            f"{self._platform.url}/graphql",
            data={
                "operations": json.dumps(sent),
                "map": json.dumps({"0": ["variables.file"]}),
            },
            files={"0": (name, content, mime_type)},
            headers={"Authorization": f"Bearer {self._platform.token}"},
            timeout=600,
        ).json()
        if answer.get("errors"):
            raise ValueError(str(answer["errors"][0]["message"]))
        self._query(
            _ASK,
            None,
            file=answer["data"]["uploadImport"]["id"],
            entity=entity_id,
            mode=mode,
            bypass=bypass,
        )

    def result(self, name: str) -> Imported:
        """Return what became of a file when its work is done and nothing waits for ingestion.

        Raises:
            TimeoutError: the work is not done after two minutes.
        """
        title = f"Import {name}"
        self.wait_for(lambda: self._done(title), f"the work for {name} is done")
        self._platform.wait_idle()
        work = self._work(title)
        return Imported(
            messages=[one["message"] for one in work["messages"]],
            complaints=[one["message"] for one in work["error_messages"]],
        )

    def wait_until_it_reads(self) -> None:
        """Return when the connector has started a process of its own that reads a file.

        Raises:
            TimeoutError: it has not after two minutes.
        """
        threads = Path(f"/proc/{self.process.pid}/task")
        self.wait_for(
            lambda: any(one.read_text() for one in threads.glob("*/children")),
            "a file is read",
        )
