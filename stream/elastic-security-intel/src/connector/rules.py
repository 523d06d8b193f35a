"""Detection rules in Kibana, of patterns in languages that Elastic speaks.

Source: Kibana's API of detection rules, version 2023-10-31, which Kibana 8 and 9 have. Its bulk endpoints are gone in 9.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from connector.settings import ElasticSecurityConfig

from connectors_sdk import (
    ApiForbiddenError,
    ApiNotFoundError,
    BaseClientApi,
)
from connectors_sdk.connectors.stream import StreamEvent, TargetUnavailableError

# Pattern types of the platform -> type and language of rules.
LANGUAGES = {
    "kql": ("query", "kuery"),
    "kuery": ("query", "kuery"),
    "lucene": ("query", "lucene"),
    "eql": ("eql", "eql"),
    "esql": ("esql", "esql"),
    "es|ql": ("esql", "esql"),
}
TAG = "OpenCTI"
_OWN = "opencti-"
_PATH = "/api/detection_engine/rules"
_PAGE = 100


def rule_id(event: StreamEvent) -> str | None:
    """Return the id of the rule that there is for an object; None when Elastic cannot hold one."""
    kind = str(event.data.get("pattern_type") or "").lower()
    return rule_of(event.id) if kind in LANGUAGES else None


def rule_of(platform_id: str) -> str:
    """Return the id of an object's rule."""
    return f"{_OWN}{platform_id}"


def object_of(own_id: str) -> str:
    """Return the platform's id of the object that a rule of this connector is about."""
    return own_id.removeprefix(_OWN)


class NotAllowedError(TargetUnavailableError):
    """The credentials do not allow detection rules."""


@contextmanager
def _explained() -> Iterator[None]:
    """Tell what is wrong with Kibana as a whole from what is wrong with a rule.

    Raises:
        TargetUnavailableError: it is Kibana. `NotAllowedError`: it is the credentials.
    """
    try:
        yield
    except ApiNotFoundError as error:
        raise TargetUnavailableError(
            "there is no detection engine; see ELASTIC_SECURITY_KIBANA_URL and ELASTIC_SECURITY_KIBANA_SPACE"
        ) from error
    except ApiForbiddenError as error:
        raise NotAllowedError(
            f"the credentials do not allow detection rules (see ELASTIC_SECURITY_DETECTION_RULES): {error}"
        ) from error
    except (KeyError, TypeError) as error:
        raise TargetUnavailableError(
            "what answers is not as Kibana answers; see ELASTIC_SECURITY_KIBANA_URL"
        ) from error


class Rules(BaseClientApi):
    """The detection rules of this connector in one Kibana space."""

    def __init__(self, kibana: str, options: ElasticSecurityConfig) -> None:
        """Take Kibana's address and the settings; nothing is asked yet."""
        space = options.kibana_space
        ca = options.ca_cert if options.verify_ssl else None
        super().__init__(
            kibana if space == "default" else f"{kibana}/s/{space}",
            timeout=options.timeout.total_seconds(),
            ssl_verify=options.verify_ssl,
            ca=ca,
            # The runtime repeats.
            max_retries=0,
        )
        self._options = options
        if options.client_cert is not None:
            files = [options.client_cert, options.client_key]
            self._session.cert = tuple(str(file) for file in files if file)  # type: ignore[assignment]

    @property
    def session_headers(self) -> dict[str, Any]:
        """The credentials are those of Elasticsearch."""
        options = self._options
        if options.api_key is not None:
            credentials = f"ApiKey {options.api_key.get_secret_value()}"
        else:
            password = options.password.get_secret_value() if options.password else ""
            pair = f"{options.username}:{password}".encode()
            credentials = f"Basic {base64.b64encode(pair).decode()}"
        return {
            "kbn-xsrf": "opencti",
            "elastic-api-version": "2023-10-31",
            "Authorization": credentials,
        }

    def write(self, event: StreamEvent, page: str) -> None:
        """Have a rule for an indicator. What an analyst has set (enabled, exceptions, actions) stays.

        Raises:
            ApiClientError: Kibana does not answer, or does not take it (400).
        """
        own_id = str(rule_id(event))
        rule = self._rule(event, page)
        with _explained():
            kind = self._kind(own_id)
            if kind == rule["type"]:
                self._patch(_PATH, json={"rule_id": own_id, **rule})
                return
            if kind:
                # A rule keeps its type.
                self.remove(own_id)
            new = {"enabled": self._options.rules_enabled, "author": [TAG]}
            self._post(_PATH, json={"rule_id": own_id, **new, **rule})

    def remove(self, own_id: str) -> None:
        """Have no rule of this id.

        Raises:
            ApiClientError: Kibana does not answer.
        """
        with _explained(), suppress(ApiNotFoundError):
            self._delete(_PATH, params={"rule_id": own_id})

    def ids(self) -> Iterator[str]:
        """Yield the ids of the rules that this connector has made.

        Raises:
            ApiClientError: Kibana does not answer.
        """
        number = 0
        while True:
            number += 1
            with _explained():
                answer = self._get(
                    f"{_PATH}/_find",
                    params={
                        "page": number,
                        "per_page": _PAGE,
                        "sort_field": "created_at",
                        "sort_order": "asc",
                        "filter": f'alert.attributes.tags: "{TAG}"',
                    },
                )
                found = [str(one["rule_id"]) for one in answer["data"]]
                is_last = number * _PAGE >= answer["total"]
            yield from (one for one in found if one.startswith(_OWN))
            if is_last:
                return

    def _kind(self, own_id: str) -> str:
        """Return the type of a rule; empty when there is none."""
        try:
            return str(self._get(_PATH, params={"rule_id": own_id})["type"])
        except ApiNotFoundError:
            return ""

    def _rule(self, event: StreamEvent, page: str) -> dict[str, Any]:
        """Return what the platform says of a rule."""
        data = event.data
        kind, language = LANGUAGES[str(data["pattern_type"]).lower()]
        name = str(data.get("name") or event.stix_id)
        score = event.get("score")
        risk = score if isinstance(score, int) else 50
        limits = ((75, "critical"), (50, "high"), (25, "medium"))
        rule: dict[str, Any] = {
            "name": name,
            "description": str(event.get("description") or name),
            "type": kind,
            "language": language,
            "query": str(data["pattern"]),
            "risk_score": risk,
            "severity": next((word for least, word in limits if risk >= least), "low"),
            "tags": sorted({TAG, *(event.get("labels") or ())}),
            "references": [page],
        }
        if kind != "esql":
            # ES|QL names its indices itself.
            rule["index"] = list(self._options.rule_indices)
        return rule
