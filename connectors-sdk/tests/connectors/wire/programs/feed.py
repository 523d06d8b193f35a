"""A connector on `PageProcessor`: a feed of families by time of publication, over HTTP, with author and marking.

`BROKEN` names a clause of the behaviour specification to violate, see broken.py: what watches over the clauses must
notice.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr

from connectors_sdk import (
    BaseClientApi,
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ExternalImportConnector,
    ExternalImportConnectorState,
)
from connectors_sdk.connectors import Check, PageProcessor, run_connector
from connectors_sdk.models import Malware, OrganizationAuthor, TLPMarking
from connectors_sdk.states import TimeCursor

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


class SourceConfig(BaseConfigModel):
    url: str = Field(description="Address of the feed.")
    api_key: SecretStr = Field(description="Key for the feed.")
    timeout: float = Field(default=20, description="Seconds to wait for an answer.")


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig
    )
    source: SourceConfig = Field(default_factory=SourceConfig)


class State(ExternalImportConnectorState):
    cursor: TimeCursor = TimeCursor(overlap=timedelta(seconds=2))


class FeedClient(BaseClientApi):
    def __init__(self, config: SourceConfig, quota: Any = None) -> None:
        super().__init__(
            config.url,
            timeout=config.timeout,
            max_retries=2,
            backoff_factor=0.05,
            daily_quota=quota,
        )
        self._key = config.api_key

    @property
    def session_headers(self) -> dict[str, str]:
        return {"X-Api-Key": self._key.get_secret_value()}

    def pages(self, since: datetime) -> Iterator[list[dict[str, Any]]]:
        return self._paginate_offset(
            "/feed",
            params={"since": since.isoformat()},
            page_size_param=None,
            stop_on_short_page=False,
            results_extractor="families",
        )

    def me(self) -> dict[str, Any]:
        return self._get("/me")


class Families(PageProcessor[dict[str, Any]]):
    work_name = "Families"
    bundle_max_objects = int(os.environ.get("BUNDLE", "20"))

    def post_init(self) -> None:
        self.client = FeedClient(self.settings.source, self.credits)
        self.author = OrganizationAuthor(name="Feed Ltd", created=BEGINNING)
        self.marking = TLPMarking(level="amber")

    def check_source(self) -> Iterator[Check]:
        me = self.client.me()
        yield Check.ok("source: credentials", f"user {me['user']}")
        if me["left"] < 10:
            yield Check.warning("source: quota", f"{me['left']} calls left", "Wait")

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        return self.client.pages(self.cursor.since(BEGINNING))

    def published(self, record: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(record["at"])

    def convert(self, record: dict[str, Any]) -> Malware:
        return Malware(
            name=record["name"],
            is_family=True,
            description=record.get("text"),
            author=self.author,
            markings=[self.marking],
            created=self.published(record),
            modified=self.published(record),
        )


PROCESSOR: type[Families] = Families
CONNECTOR: type[ExternalImportConnector] = ExternalImportConnector


def build() -> ExternalImportConnector:
    return CONNECTOR(Settings(), [PROCESSOR()], State())


def audit(path: str) -> None:
    """Write every address that the process connects to into a file."""
    file = open(path, "a", encoding="utf-8")  # pylint: disable=consider-using-with

    def hook(event: str, arguments: Any) -> None:
        if event == "socket.connect":
            print(arguments[1], file=file, flush=True)

    sys.addaudithook(hook)


if __name__ == "__main__":
    if os.environ.get("AUDIT"):
        audit(os.environ["AUDIT"])
    if os.environ.get("BROKEN"):
        import broken

        broken.apply(os.environ["BROKEN"], sys.modules["__main__"])
    run_connector(build)
