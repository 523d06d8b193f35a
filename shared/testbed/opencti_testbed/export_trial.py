"""A file export connector on trial: running against a platform, asked for files.

with ExportTrial(Trial(folder, platform, tmp_path, CONNECTOR_SCOPE="text/csv")) as trial:
    file = trial.export("text/csv", entity_type="Malware")
assert file.complaints == []
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from opencti_testbed.listening_trial import ListeningTrial

_ONE = """
mutation One($id: ID!, $input: StixCoreObjectExportAskInput!) {
  stixCoreObjectEdit(id: $id) { exportAsk(input: $input) { id name } }
}
"""
_LIST = """
mutation List($input: StixDomainObjectsExportAskInput!) { stixDomainObjectsExportAsk(input: $input) { id name } }
"""
_ABOUT = """
query About($id: String!) {
  file(id: $id) { name metaData { mimetype } objectMarking { definition } }
}
"""
_FEW_RIGHTS = {
    "name": "few rights",
    "group_confidence_level": {"max_confidence": 100, "overrides": []},
}
_GROUP = "mutation Group($input: GroupAddInput!) { groupAdd(input: $input) { id } }"
_ALLOW = """
mutation Allow($id: ID!, $to: ID!) {
  groupEdit(id: $id) { relationAdd(input: { toId: $to, relationship_type: "accesses-to" }) { id } }
}
"""
_USER = "mutation User($input: UserAddInput!) { userAdd(input: $input) { id } }"


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of a request.

    Attributes:
        content: of the file; None when there is none.
        name: of the file.
        mime_type: of the file, as it was kept.
        markings: of the file, by their definitions.
        messages: of the work.
        complaints: the errors of the work.
    """

    content: bytes | None
    name: str
    mime_type: str
    markings: list[str]
    messages: list[str]
    complaints: list[str]


class ExportTrial(ListeningTrial):
    """Runs the connector while the context lasts."""

    def export(self, mime_type: str, **wanted: Any) -> Exported:
        """Ask for a file (see `ask`), wait for the work, fetch the file.

        Raises:
            TimeoutError: the work is not done after two minutes.
        """
        return self.fetch(self.ask(mime_type, **wanted))

    # Each argument is a member of the platform's request.
    # pylint: disable-next=too-many-arguments
    def ask(
        self,
        mime_type: str,
        *,
        entity_id: str | None = None,
        entity_type: str = "Stix-Core-Object",
        selected: Sequence[str] = (),
        full: bool = False,
        most: str | None = None,
        user_id: str | None = None,
        **listed: Any,
    ) -> dict[str, Any]:
        """Ask for a file; return the id and name of the file-to-be.

        Args:
            mime_type: of the file.
            entity_id: for an export of a single entity: its id, STIX or the platform's own.
            entity_type: for an export of a list: the type of its entities.
            selected: the chosen ones of the list, by the platform's own ids.
            full: whether what is around is wanted as well.
            most: the highest marking that may be in the file, e.g. `TLP:GREEN`; it becomes the file's own.
            user_id: on whose behalf; default: the administrator.
            listed: what else the list is asked for with: `filters`, `search`, `orderBy`, `orderMode`.

        Raises:
            ValueError: the platform refuses.
        """
        wanted: dict[str, Any] = {
            "format": mime_type,
            "exportType": "full" if full else "simple",
        }
        if most:
            marking = self._marking(most)
            wanted |= {"contentMaxMarkings": [marking], "fileMarkings": [marking]}
        if entity_id is not None:
            answer = self._query(_ONE, user_id, id=entity_id, input=wanted)
            (file,) = answer["stixCoreObjectEdit"]["exportAsk"]
        else:
            wanted |= {"exportContext": {"entity_type": entity_type}, **listed}
            if selected:
                wanted["selectedIds"] = list(selected)
            answer = self._query(_LIST, user_id, input=wanted)
            (file,) = answer["stixDomainObjectsExportAsk"]
        return dict(file)

    def reader(self, *markings: str) -> str:
        """Make a user who may see what has none or one of these markings, e.g. `TLP:GREEN`; return the id."""
        group = self._query(_GROUP, None, input=_FEW_RIGHTS)["groupAdd"]["id"]
        for marking in markings:
            self._query(_ALLOW, None, id=group, to=self._marking(marking))
        name = f"reader-{uuid.uuid4().hex[:8]}"
        user = {"name": name, "user_email": f"{name}@example.org", "groups": [group]}
        return str(self._query(_USER, None, input=user)["userAdd"]["id"])

    def fetch(self, file: dict[str, Any]) -> Exported:
        """Return what became of a request when its work is done."""
        title = f"Export {file['name']}"
        self.wait_for(lambda: self._done(title), f"the work for {file['name']} is done")
        work = self._work(title)
        answer = requests.get(
            f"{self._platform.url}/storage/get/{quote(file['id'])}",
            headers={"Authorization": f"Bearer {self._platform.token}"},
            timeout=600,
        )
        about = self._query(_ABOUT, None, id=file["id"])["file"] or {}
        return Exported(
            content=answer.content if answer.ok else None,
            name=str(about.get("name") or ""),
            mime_type=str((about.get("metaData") or {}).get("mimetype") or ""),
            markings=[one["definition"] for one in about.get("objectMarking") or ()],
            messages=[one["message"] for one in work["messages"]],
            complaints=[one["message"] for one in work["error_messages"]],
        )
