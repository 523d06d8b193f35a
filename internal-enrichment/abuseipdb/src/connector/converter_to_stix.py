"""What AbuseIPDB's answers mean in STIX."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors_sdk.client.records import required_date
from connectors_sdk.connectors.internal_enrichment import Entity
from connectors_sdk.models import (
    Country,
    DomainName,
    ExternalReference,
    Hostname,
    Organization,
    Relationship,
    Sighting,
)

# Source: abuseipdb.com/categories.
CATEGORIES = {
    1: "dns-compromise",
    2: "dns-poisoning",
    3: "fraud-orders",
    4: "ddos-attack",
    5: "ftp-brute-force",
    6: "ping-of-death",
    7: "phishing",
    8: "fraud-voip",
    9: "open-proxy",
    10: "web-spam",
    11: "email-spam",
    12: "blog-spam",
    13: "vpn-ip",
    14: "port-scan",
    15: "hacking",
    16: "sql-injection",
    17: "spoofing",
    18: "brute-force",
    19: "bad-web-bot",
    20: "exploited-host",
    21: "web-app-attack",
    22: "ssh",
    23: "iot-targeted",
}
TOR, WHITELISTED = "tor", "whitelisted"
PAGE = "https://www.abuseipdb.com/check/"


_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_CODE = re.compile(r"[A-Za-z]{2}")
_HOST = re.compile(r"[^\s/:@?#]+")


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says, as far as it can be read: where it comes from is a country's code or, without one, its name."""

    at: datetime | None
    categories: tuple[int, ...]
    country: str | None


def findings(  # pylint: disable=too-many-arguments
    entity: Entity,
    known: Mapping[str, Any],
    *,
    address: str,
    sightings: bool,
    surroundings: bool,
    log: Callable[[str], object],
) -> Iterator[Any]:
    """Yield what an answer says about an address, and what has to do with it.

    Args:
        entity: the address on the platform.
        known: the member `data` of an answer of the CHECK endpoint, verbose.
        address: what was asked about.
        sightings: whether reports become sightings.
        surroundings: whether provider, domain, host names and country become entities.
        log: takes what was passed over because it is odd.
    """
    odd: Counter[str] = Counter()
    names = _country_names(known)
    reports = [_report(one, odd) for one in _listed(known, "reports", odd)]
    total = known.get("totalReports")
    reported = total > 0 if isinstance(total, int) else bool(reports)
    labels, summary = _labels(known, reports), _summary(known, reported)
    around = list(_surroundings(entity, known, names, odd))
    # A page that tells nothing is not worth a reference.
    if reports or labels or summary or around:
        yield entity.update(
            # Without any report the score says nothing.
            score=known["abuseConfidenceScore"] if reported else None,
            labels=labels,
            # Always the same words: the platform would keep each wording beside the others.
            external_references=[
                ExternalReference(source_name="AbuseIPDB", url=f"{PAGE}{address}")
            ],
            description=summary,
        )
    if surroundings:
        yield from around
    if sightings:
        yield from _sightings(entity, reports, names)
    if odd:
        parts = ", ".join(f"{count} of {what}" for what, count in sorted(odd.items()))
        log(f"What cannot be read in AbuseIPDB's answer was passed over: {parts}.")


# -- reading -------------------------------------------------------------------------------------------------------


def _listed(holder: Mapping[str, Any], name: str, odd: Counter[str]) -> list[Any]:
    found = holder.get(name)
    if found is None or isinstance(found, list):
        return found or []
    odd[name] += 1
    return []


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _report(one: Any, odd: Counter[str]) -> Report:
    """Return what can be read of a report, and count what cannot."""
    if not isinstance(one, Mapping):
        odd["reports"] += 1
        return Report(None, (), None)
    at = None
    try:
        at = required_date(one, "reportedAt").astimezone(UTC)
    except (ValueError, OverflowError):
        odd["dates"] += 1
    numbers = []
    for number in _listed(one, "categories", odd):
        # AbuseIPDB writes them as integers, at times as their text.
        text = str(number) if isinstance(number, int | str) else ""
        if _NUMBER.fullmatch(text.strip()):
            numbers.append(int(text))
        else:
            odd["categories"] += 1
    country = _country(one, "reporter")
    return Report(at, tuple(numbers), country)


def _country(holder: Mapping[str, Any], prefix: str = "") -> str | None:
    """Return what tells a country from others: its code or, without one, its name."""
    keys = ("CountryCode", "CountryName") if prefix else ("countryCode", "countryName")
    code, name = (_text(holder.get(f"{prefix}{key}")) for key in keys)
    return code.upper() if code and _CODE.fullmatch(code) else name


def _country_names(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of countries by code, wherever the answer tells them."""
    reports = known.get("reports")
    told = [(known.get("countryCode"), known.get("countryName"))]
    told += [
        (one.get("reporterCountryCode"), one.get("reporterCountryName"))
        for one in (reports if isinstance(reports, list) else ())
        if isinstance(one, Mapping)
    ]
    names: dict[str, str] = {}
    for given, called in told:
        code, name = _text(given), _text(called)
        if code and name and _CODE.fullmatch(code):
            names.setdefault(code.upper(), name)
    return names


# -- telling -------------------------------------------------------------------------------------------------------


def _labels(known: Mapping[str, Any], reports: list[Report]) -> list[str]:
    reported = {number for one in reports for number in one.categories}
    # What a number means that is new since this was written, its page tells.
    labels = [
        CATEGORIES.get(number, f"abuseipdb-{number}") for number in sorted(reported)
    ]
    if known.get("isTor") is True:
        labels.append(TOR)
    if known.get("isWhitelisted") is True:
        labels.append(WHITELISTED)
    return labels


def _summary(known: Mapping[str, Any], reported: bool) -> str | None:
    """Return in sentences what is known: nothing that another day's answer says otherwise, as the first one stays."""
    parts = ["Reported to AbuseIPDB."] if reported else []
    if known.get("isWhitelisted") is True:
        parts.append("Whitelisted by AbuseIPDB.")
    if known.get("isTor") is True:
        parts.append("An exit node of Tor.")
    for words, key in (("Used for", "usageType"), ("Provider", "isp")):
        if text := _text(known.get(key)):
            parts.append(f"{words}: {text.rstrip('.')}.")
    return " ".join(parts) or None


def _surroundings(
    entity: Entity,
    known: Mapping[str, Any],
    names: Mapping[str, str],
    odd: Counter[str],
) -> Iterator[Any]:
    def related(kind: str, target: Any) -> Relationship:
        return Relationship(type=kind, source=entity.reference, target=target)

    if provider := _text(known.get("isp")):
        yield related("related-to", Organization(name=provider))
    if known.get("domain"):
        try:
            yield related("related-to", DomainName(value=known["domain"]))
        except ValueError:
            odd["domains"] += 1
    for name in _listed(known, "hostnames", odd):
        host = _text(name)
        if host and _HOST.fullmatch(host):
            yield related("related-to", Hostname(value=host))
        else:
            odd["host names"] += 1
    if country := _country(known):
        yield related("located-at", _as_country(country, names))


def _sightings(
    entity: Entity, reports: list[Report], names: Mapping[str, str]
) -> Iterator[Sighting]:
    codes = {name: code for code, name in names.items()}
    by_country: dict[str, list[tuple[datetime, Report]]] = defaultdict(list)
    for one in reports:
        if one.country and one.at:
            # What has but a name belongs to the code of that name.
            key = codes.get(one.country, one.country)
            by_country[key].append((one.at, one))
    for country, told in sorted(by_country.items()):
        dates = [at for at, _ in told]
        labels = _labels({}, [one for _, one in told])
        yield Sighting(
            sighting_of=entity.reference,
            where_sighted=[_as_country(country, names)],
            first_seen=min(dates),
            last_seen=max(dates),
            count=len(told),
            description=f"Reported for {', '.join(labels) or 'abuse'}.",
        )


def _as_country(country: str, names: Mapping[str, str]) -> Country:
    if country not in names:
        return Country(name=country)
    return Country(name=names[country], aliases=[country])
