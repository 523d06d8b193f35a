"""What answers mean."""

import json
from typing import Any

import pytest
from connector import ConnectorSettings
from connector.connector import INSIDE, Client, single_address
from connector.converter_to_stix import CATEGORIES, findings

from connectors_sdk import ConfigValidationError
from connectors_sdk.connectors.internal_enrichment import Entity, EntityUpdate
from connectors_sdk.connectors.internal_enrichment.entity import updated
from connectors_sdk.exceptions.error import UseCaseError
from connectors_sdk.models import Country
from connectors_sdk.testing import Canned, CannedServer, make_settings

STIX = {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "198.51.100.7"}
ENTITY = Entity.of(
    {
        "enrichment_entity": {"entity_type": "IPv4-Addr", **STIX},
        "stix_entity": STIX,
    }
)
# An answer of the shape that the documentation of the API shows.
KNOWN: dict[str, Any] = {
    "ipAddress": "198.51.100.7",
    "isWhitelisted": False,
    "abuseConfidenceScore": 100,
    "countryCode": "CN",
    "countryName": "China",
    "usageType": "Data Center/Web Hosting/Transit",
    "isp": "Example Cloud",
    "domain": "cloud.example",
    "totalReports": 1,
    "numDistinctUsers": 1,
    "lastReportedAt": "2018-12-20T20:55:14+00:00",
    "reports": [
        {
            "reportedAt": "2018-12-20T20:55:14+00:00",
            "categories": [18, 22],
            "reporterId": 1,
            "reporterCountryCode": "US",
        }
    ],
}


def converted(
    known: dict[str, Any], log: list[str] | None = None, **options: bool
) -> tuple[EntityUpdate, list[dict[str, Any]]]:
    chosen = {"sightings": True, "surroundings": True, **options}
    noted = [] if log is None else log
    update, *rest = findings(
        ENTITY, known, address="198.51.100.7", log=noted.append, **chosen
    )
    assert isinstance(update, EntityUpdate)
    # What is odd is said, and only that.
    assert log is not None or not noted
    return update, [json.loads(json.dumps(one.to_stix_dict())) for one in rest]


def test_a_reported_address() -> None:
    update, rest = converted(KNOWN)
    assert update.score == 100
    assert update.labels == ("brute-force", "ssh")
    assert update.description == (
        "Reported to AbuseIPDB."
        " Used for: Data Center/Web Hosting/Transit. Provider: Example Cloud."
    )
    (reference,) = update.external_references
    assert reference["url"] == "https://www.abuseipdb.com/check/198.51.100.7"
    kinds = [one.get("relationship_type", one["type"]) for one in rest]
    assert kinds == ["related-to", "related-to", "located-at", "sighting"]
    sighting = rest[-1]
    assert sighting["sighting_of_ref"] == ENTITY.id
    assert sighting["count"] == 1
    assert sighting["description"] == "Reported for brute-force, ssh."


def test_without_reports_there_is_no_score() -> None:
    nothing = {**KNOWN, "totalReports": 0, "abuseConfidenceScore": 0, "reports": []}
    update, rest = converted(
        {**nothing, "isWhitelisted": True, "isTor": True, "lastReportedAt": None}
    )
    assert update.score is None
    assert update.labels == ("tor", "whitelisted")
    assert str(update.description).startswith("Whitelisted by AbuseIPDB. An exit node")
    assert all(one["type"] != "sighting" for one in rest)


NOTHING: dict[str, Any] = {"abuseConfidenceScore": 0, "totalReports": 0, "reports": []}


@pytest.mark.parametrize(
    ("known", "some"),
    [
        ({}, False),
        ({"isTor": False, "isWhitelisted": None, "isp": " ", "hostnames": []}, False),
        ({"isTor": True}, True),
        ({"isWhitelisted": True}, True),
        ({"usageType": "Reserved"}, True),
        ({"isp": "Example Cloud"}, True),
        ({"domain": "cloud.example"}, True),
        ({"hostnames": ["host.example"]}, True),
        ({"countryCode": "CN"}, True),
        ({"totalReports": 1}, True),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_of_what_nothing_is_known_nothing_is_told(
    known: dict[str, Any], some: bool, wanted: bool
) -> None:
    options = {"sightings": wanted, "surroundings": wanted}
    told = findings(
        ENTITY, {**NOTHING, **known}, address="198.51.100.7", log=print, **options
    )
    assert any(isinstance(one, EntityUpdate) for one in told) is some


def test_a_name_with_a_full_stop_has_one() -> None:
    update, _ = converted({**KNOWN, "isp": "Äcme, Inc."})
    assert str(update.description).endswith("Provider: Äcme, Inc.")


def test_another_answer_adds_no_second_reference() -> None:
    stix: dict[str, Any] = {**STIX}
    for total, last in ((1, "2026-01-01"), (9, None), (1_000, "2026-02-01")):
        known = {**KNOWN, "totalReports": total, "lastReportedAt": last}
        stix = updated(stix, converted(known)[0], 100)
    assert len(stix["x_opencti_external_references"]) == 1
    assert not any(digit in stix["x_opencti_description"] for digit in "0123456789")


def test_what_is_not_wanted_is_not_made() -> None:
    assert not converted(KNOWN, sightings=False, surroundings=False)[1]


def test_the_same_answer_gives_the_same_ids() -> None:
    first, second = (converted(KNOWN)[1] for _ in range(2))
    assert [one["id"] for one in first] == [one["id"] for one in second]


REPORT: dict[str, Any] = KNOWN["reports"][0]


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"reports": [None, REPORT, "x"]}, "2 of reports"),
        ({"reports": [REPORT, {**REPORT, "reportedAt": "soon"}]}, "1 of dates"),
        ({"reports": [REPORT, {**REPORT, "reportedAt": 5}]}, "1 of dates"),
        (
            {"reports": [REPORT, {**REPORT, "reportedAt": "0001-01-01T00:00+14:00"}]},
            "1 of dates",
        ),
        (
            {"reports": [{**REPORT, "categories": [[1], None, True, "x", 18, "22"]}]},
            "4 of categories",
        ),
        ({"reports": [REPORT, {"categories": 5}]}, "1 of categories"),
        ({"hostnames": [None, "", "bad host", 7]}, "4 of host names"),
        ({"hostnames": "host.example"}, "1 of hostnames"),
        ({"domain": "bad..domain"}, "1 of domains"),
        ({"domain": 7}, "1 of domains"),
    ],
)
def test_what_is_odd_is_passed_over_and_the_rest_is_not(
    odd: dict[str, Any], told: str
) -> None:
    log: list[str] = []
    update, rest = converted({**KNOWN, **odd}, log)
    assert update.score == 100
    assert update.labels == ("brute-force", "ssh")
    (sighting,) = (one for one in rest if one["type"] == "sighting")
    assert sighting["count"] == 1
    assert len(log) == 1 and told in log[0]


def test_no_list_of_reports() -> None:
    log: list[str] = []
    update, rest = converted({**KNOWN, "reports": 5, "totalReports": "many"}, log)
    assert not update.labels and update.score is None
    assert all(one["type"] != "sighting" for one in rest)
    assert "1 of reports" in log[0]


def test_categories_and_dates_in_either_spelling() -> None:
    reports = [
        {**REPORT, "categories": ["18", 18, 22, 99]},
        {**REPORT, "reportedAt": "2018-12-20T20:55:15", "categories": None},
        {"reportedAt": None, "categories": ["14"]},
    ]
    log: list[str] = []
    update, rest = converted({**KNOWN, "reports": reports}, log)
    assert "1 of dates" in log[0]
    assert update.labels == ("port-scan", "brute-force", "ssh", "abuseipdb-99")
    assert (rest[-1]["count"], rest[-1]["last_seen"][:19]) == (2, "2018-12-20T20:55:15")


@pytest.mark.parametrize("score", [None, -1, 101, "abc", "50", 50.5, True], ids=repr)
def test_an_answer_without_a_score_is_not_abuseipdb(score: Any) -> None:
    with CannedServer() as server:
        server.on("GET", "/check", Canned({"data": {"abuseConfidenceScore": score}}))
        with pytest.raises(ValueError, match="not AbuseIPDB"):
            Client(server.url, max_retries=0).check("198.51.100.7", 90)


def test_countries_are_told_apart_by_their_code() -> None:
    america = {"reporterCountryName": "United States of America"}
    china = {**REPORT, "reporterCountryCode": "cn"}
    nameless = {k: v for k, v in REPORT.items() if k != "reporterCountryCode"}
    reports = [REPORT, {**REPORT, **america}, {**nameless, **america}, china]
    _, rest = converted({**KNOWN, "reports": reports})
    america_id = Country(name="United States of America").id
    counts = {
        one["where_sighted_refs"][0]: one["count"]
        for one in rest
        if one["type"] == "sighting"
    }
    assert counts == {america_id: 3, Country(name="China").id: 1}


def test_all_categories_have_a_name() -> None:
    assert sorted(CATEGORIES) == list(range(1, 24))
    assert len(set(CATEGORIES.values())) == 23


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("198.51.100.0/24", "a range of 256 addresses"),
        ("2001:db8::/64", "a range of 18,446,744,073,709,551,616 addresses"),
        ("host.example", "no IP address"),
    ],
)
def test_what_is_no_single_address_is_refused(value: str, words: str) -> None:
    with pytest.raises(UseCaseError, match=words):
        single_address(value)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("198.51.100.7/32", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        (" 2001:DB8::7/128", "2001:db8::7"),
        ("2001:db8::7%eth0", "2001:db8::7"),
    ],
)
def test_what_is_a_single_address(value: str, address: str) -> None:
    assert str(single_address(value)) == address


@pytest.mark.parametrize(
    "value",
    "0.0.0.0 10.1.2.3 100.64.1.1 127.0.0.1 224.0.0.1 255.255.255.255 ::1 :: ff02::1"
    " fe80::1 fd00::1 ::ffff:10.1.2.3 ::ffff:10.1.2.3/128".split(),
)
def test_what_is_used_inside(value: str) -> None:
    assert any(single_address(value) in network for network in INSIDE)
    assert not any(single_address("2001:db8::7") in network for network in INSIDE)


def test_settings() -> None:
    section = {"abuseipdb": {"api_key": "k"}}
    settings = make_settings(ConnectorSettings, section)
    assert settings.abuseipdb.max_age_in_days == 90
    assert settings.connector.max_tlp == "amber"
    assert settings.connector.daily_credits is None
    wrong = {"abuseipdb": {"api_key": "k", "max_tlp": "TLP:PURPLE"}}
    with (
        pytest.warns(UserWarning),
        pytest.raises(ConfigValidationError, match="ABUSEIPDB_MAX_TLP .*'TLP:PURPLE'"),
    ):
        make_settings(ConnectorSettings, wrong)
    former = {"abuseipdb": {"api_key": "k", "max_tlp": "TLP:GREEN"}}
    with pytest.warns(UserWarning, match="connector.max_tlp"):
        settings = make_settings(ConnectorSettings, former)
    assert settings.connector.max_tlp == "green"
    with pytest.raises(ConfigValidationError, match="ABUSEIPDB_API_KEY"):
        make_settings(ConnectorSettings, {})
    with pytest.raises(ConfigValidationError, match="ABUSEIPDB_MAX_AGE_IN_DAYS"):
        make_settings(
            ConnectorSettings, {"abuseipdb": {"api_key": "k", "max_age_in_days": 366}}
        )
