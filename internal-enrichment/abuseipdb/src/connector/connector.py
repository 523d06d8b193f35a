"""Asks AbuseIPDB about one address after the other."""

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from connector.converter_to_stix import findings
from connector.settings import ConnectorSettings

from connectors_sdk import ApiClientError, BaseClientApi, clock
from connectors_sdk.client import ApiRateLimitError, QuotaExceededError
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.internal_enrichment import (
    Entity,
    InternalEnrichmentConnector,
)
from connectors_sdk.exceptions.error import UseCaseError
from connectors_sdk.models import OrganizationAuthor

# What is used inside of networks, or is nobody's: nobody else can say anything about it, nor should learn of it.
INSIDE = tuple(
    map(
        ipaddress.ip_network,
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4 240.0.0.0/4"
        " ::/127 fc00::/7 fe80::/10 ff00::/8".split(),
    )
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# A pause that is longer is not worth waiting for: the day's quota of the key is used up.
LONG_PAUSE = timedelta(minutes=1)


class Client(BaseClientApi):
    """AbuseIPDB's API, version 2. Source: docs.abuseipdb.com, CHECK endpoint."""

    session_headers: dict[str, Any] = {}
    _closed_until: datetime | None = None

    def check(self, address: str, max_age_in_days: int) -> dict[str, Any]:
        """Return what is known about an address, with the single reports.

        Raises:
            ApiClientError: the API does not answer.
            QuotaExceededError: it asked to be left alone for longer; it is not called.
            ValueError: what it answers is something else.
        """
        self._refuse_in_vain()
        try:
            answer = self._get(
                "/check",
                params={
                    "ipAddress": address,
                    "maxAgeInDays": max_age_in_days,
                    "verbose": "true",
                },
            )
        except ApiRateLimitError as error:
            pause = timedelta(seconds=min(error.retry_after or 0, 86_400))
            if pause > LONG_PAUSE and not isinstance(error, QuotaExceededError):
                self._closed_until = clock.now() + pause
            raise
        data = answer.get("data") if isinstance(answer, dict) else None
        found: dict[str, Any] = data if isinstance(data, dict) else {}
        score: Any = found.get("abuseConfidenceScore")
        number = isinstance(score, int) and not isinstance(score, bool)
        if not (number and 0 <= score <= 100):
            raise ValueError(
                "what answers is not AbuseIPDB: no abuseConfidenceScore from 0 to 100"
            )
        return found

    def _refuse_in_vain(self) -> None:
        if self._closed_until is None:
            return
        left = (self._closed_until - clock.now()).total_seconds()
        if left > 0:
            raise QuotaExceededError(
                f"AbuseIPDB takes no further requests of this key before {self._closed_until:%Y-%m-%d %H:%M} UTC, as it said.",
                resets_at=self._closed_until,
                retry_after=left,
            )


class AbuseIpdb(InternalEnrichmentConnector):
    """Enriches IPv4 and IPv6 addresses."""

    settings: ConnectorSettings
    author = OrganizationAuthor(
        name="AbuseIPDB",
        description="A database of addresses that were reported for abuse.",
        contact_information="https://www.abuseipdb.com",
    )
    # What is refused here costs nothing.
    counts_own_calls = True

    def post_init(self) -> None:
        options = self.settings.abuseipdb
        self.client = Client(
            str(options.api_url).rstrip("/"),
            timeout=20,
            max_retries=0,
            daily_quota=self.credits,
        )
        self.client.session_headers = {
            "Key": options.api_key,
            "Accept": "application/json",
        }

    def enrich(self, entity: Entity) -> Iterator[Any] | None:
        asked = single_address(entity.value)
        if any(asked in network for network in INSIDE):
            self.logger.info(
                "The address is used inside of networks, or by nobody: not asked about."
            )
            return None
        options = self.settings.abuseipdb
        known = self.client.check(str(asked), options.max_age_in_days)
        return findings(
            entity,
            known,
            address=str(asked),
            sightings=options.create_sightings,
            surroundings=options.create_related,
            log=self.logger.warning,
        )

    def check_source(self) -> Iterable[Check]:
        try:
            # The address that AbuseIPDB itself uses in examples; costs one call.
            self.client.check("127.0.0.1", 1)
        except (ApiClientError, ValueError) as error:
            yield Check.failed(
                "source: AbuseIPDB",
                str(error),
                "See ABUSEIPDB_API_KEY, ABUSEIPDB_API_URL.",
            )
        else:
            yield Check.ok("source: AbuseIPDB", "it answers, and takes the key")


def single_address(value: str) -> Address:
    """Return the address that a text is; an IPv4 address in the clothes of IPv6 without them.

    Raises:
        UseCaseError: it is a range of addresses, or none.
    """
    # What follows a % is an interface of some machine.
    text = value.partition("%")[0].strip()
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UseCaseError(f"{value!r} is no IP address") from error
    if network.num_addresses > 1:
        raise UseCaseError(
            f"{value} is a range of {network.num_addresses:,} addresses: AbuseIPDB is asked about single ones"
        )
    address: Address = network.network_address
    return getattr(address, "ipv4_mapped", None) or address
