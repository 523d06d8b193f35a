"""What models refuse, what they warn of, and what they let pass because OpenCTI does."""

import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors_sdk import clock
from connectors_sdk.models import (
    URL,
    Artifact,
    AssociatedFile,
    BaseObservableEntity,
    Campaign,
    City,
    DomainName,
    EmailMessage,
    EmailMimePart,
    Event,
    File,
    Grouping,
    Indicator,
    IPV4Address,
    IPV6Address,
    MACAddress,
    Malware,
    MalwareAnalysis,
    NetworkTraffic,
    Note,
    ObservedData,
    Opinion,
    OrganizationAuthor,
    Position,
    Process,
    Reference,
    Relationship,
    Report,
    SecurityCoverage,
    Sighting,
    ThreatActorGroup,
    ThreatActorIndividual,
    TLPMarking,
    UserAccount,
    Vulnerability,
    WindowsRegistryValue,
    X509Certificate,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
REFERENCE = Reference(id="malware--70d3c10d-4ac8-5796-a776-5e15af3d9d66")
WHERE = Reference(id="identity--70d3c10d-4ac8-5796-a776-5e15af3d9d66")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (IPV4Address, "192.0.2.1"),
        (IPV4Address, "192.0.2.0/24"),
        (IPV4Address, "192.0.2.7/24"),
        (IPV6Address, "2001:db8::1"),
        (IPV6Address, "2001:db8::/32"),
        (IPV6Address, "::ffff:192.0.2.1"),
        (MACAddress, "00:00:5e:00:53:af"),
        (MACAddress, "00-00-5E-00-53-AF"),
        (MACAddress, "0000.5e00.53af"),
        (DomainName, "sub_domain.bücher.example"),
        (DomainName, "example."),
        (URL, "https://a.example/with space"),
        (URL, "hxxp://a[.]example"),
        (URL, "mailto:a@b.example"),
    ],
)
def test_values_are_taken_as_they_are(kind: Any, value: str) -> None:
    assert kind(value=value).to_stix_dict()["value"] == value


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (IPV4Address, "::1", "Invalid IP V4 address '::1'"),
        (IPV4Address, "192.0.2.256", "Invalid IP V4 address"),
        (IPV4Address, "192.0.2.1.", "Invalid IP V4 address"),
        (IPV4Address, "192.0.2", "Invalid IP V4 address"),
        (IPV4Address, "", "at least 1 character"),
        (IPV6Address, "192.0.2.1", "Invalid IP V6 address '192.0.2.1'"),
        (IPV6Address, "2001:db8:::1", "Invalid IP V6 address"),
        (MACAddress, "00:00:5e:00:53", "Invalid MAC address"),
        (MACAddress, "00:00-5e:00-53:af", "Invalid MAC address"),
        (DomainName, "a b.example", "Invalid domain name"),
        (DomainName, "https://a.example", "Invalid domain name"),
        (DomainName, "a..example", "Invalid domain name"),
        (URL, "https://a.example/\n", "Invalid URL"),
        (URL, " https://a.example/", "Invalid URL"),
    ],
)
def test_what_cannot_be_it_is_refused(kind: Any, value: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        kind(value=value)


def test_a_url_without_scheme_warns() -> None:
    with pytest.warns(UserWarning, match="has no scheme"):
        URL(value="a.example/path")


def test_hashes_look_like_hashes() -> None:
    with pytest.raises(ValidationError, match="is no SHA-256: that has 64 hexadecimal"):
        File(hashes={"SHA-256": "d41d8cd98f00b204e9800998ecf8427e"})
    with pytest.raises(ValidationError, match="is no MD5"):
        X509Certificate(hashes={"MD5": "z" * 32})
    with pytest.raises(ValidationError):
        File(hashes={})
    assert File(hashes={"SSDEEP": "3:a:b"}).to_stix_dict()["hashes"] == {
        "SSDEEP": "3:a:b"
    }


@pytest.mark.parametrize(
    "build",
    [
        lambda a, b: Campaign(name="a", first_seen=a, last_seen=b),
        lambda a, b: Malware(name="a", is_family=True, first_seen=a, last_seen=b),
        lambda a, b: ThreatActorGroup(name="a", first_seen=a, last_seen=b),
        lambda a, b: Sighting(
            sighting_of=REFERENCE, where_sighted=[WHERE], first_seen=a, last_seen=b
        ),
        lambda a, b: Event(name="a", start_time=a, stop_time=b),
        lambda a, b: Relationship(
            type="uses",
            source=REFERENCE,
            target=REFERENCE,
            start_time=a,
            stop_time=b,
        ),
        lambda a, b: Indicator(
            name="a", pattern="p", pattern_type="yara", valid_from=a, valid_until=b
        ),
        lambda a, b: ObservedData(
            first_observed=a,
            last_observed=b,
            number_observed=1,
            entities=[IPV4Address(value="192.0.2.1")],
        ),
        lambda a, b: NetworkTraffic(
            protocols=["tcp"], src=REFERENCE, start=a, end=b, is_active=False
        ),
        lambda a, b: MalwareAnalysis(
            product="a",
            result_name="b",
            result="benign",
            analysis_started=a,
            analysis_ended=b,
        ),
    ],
)
def test_periods_end_after_they_begin(build: Any) -> None:
    assert build(NOW, LATER)
    with pytest.raises(ValidationError, match="must (be after|not be before)"):
        build(LATER, NOW)


def test_assignments_are_checked_as_a_whole() -> None:
    campaign = Campaign(name="a", first_seen=NOW, last_seen=LATER)
    with pytest.raises(ValidationError, match="must not be before"):
        campaign.last_seen = NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (File, "a file needs a name or hashes"),
        (Artifact, "either payload_bin or url"),
        (lambda: Artifact(payload_bin="AA==", url="https://a.example"), "either"),
        (lambda: Artifact(url="https://a.example"), "needs hashes"),
        (lambda: NetworkTraffic(protocols=["tcp"]), "needs src or dst"),
        (
            lambda: NetworkTraffic(protocols=["tcp"], src=REFERENCE, end=NOW),
            "is_active=False",
        ),
        (Process, "at least one property"),
        (
            lambda: EmailMessage(
                body="a", is_multipart=True, body_multipart=[EmailMimePart(body="a")]
            ),
            "body_multipart, not body",
        ),
        (
            lambda: EmailMessage(body_multipart=[EmailMimePart(body="a")]),
            "needs is_multipart=True",
        ),
        (lambda: City(name="a", latitude=1.0), "must be given together"),
        (lambda: Position(name="a", latitude=91, longitude=0), "less than or equal"),
        (lambda: MalwareAnalysis(product="a", result_name="b"), "result or analysis"),
        (lambda: Opinion(opinion="maybe"), "strongly-disagree"),  # type: ignore[arg-type]
        (lambda: Vulnerability(name="a", epss_score=1.1), "less than or equal to 1"),
        (
            lambda: IPV4Address(value="192.0.2.1", score=101),
            "less than or equal to 100",
        ),
    ],
)
def test_what_stix_does_not_allow_is_refused(build: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        build()


def test_what_opencti_allows_is_built() -> None:
    for model in (
        Report(name="empty", publication_date=NOW),
        Note(content="about nothing"),
        Grouping(name="empty", context="suspicious-activity"),
        Opinion(opinion="agree"),
        City(name="nowhere"),
        Position(name="unknown"),
        X509Certificate(),
        UserAccount(user_id="1"),
    ):
        stix = model.to_stix2_object()
        assert stix["id"] == model.id


def test_what_was_lost_is_written() -> None:
    group = ThreatActorGroup(
        name="a", threat_actor_types=["criminal"], roles=["sponsor"]
    ).to_stix_dict()
    assert (group["threat_actor_types"], group["roles"]) == (["criminal"], ["sponsor"])
    weakness = Vulnerability(name="a", cvss_v2_base_score=7.5).to_stix_dict()
    assert weakness["x_opencti_cvss_v2_base_score"] == 7.5
    assert UserAccount(credential="x").to_stix_dict()["credential"] == "x"


def test_a_threat_actor_says_its_type_where_the_platform_would_guess_wrong() -> None:
    assert "x_opencti_type" not in ThreatActorGroup(name="a").to_stix_dict()
    alone = ThreatActorGroup(name="a", resource_level="individual").to_stix_dict()
    assert alone["x_opencti_type"] == "Threat-Actor-Group"
    person = ThreatActorIndividual(name="a").to_stix_dict()
    assert person["x_opencti_type"] == "Threat-Actor-Individual"


def test_the_former_date_of_notes() -> None:
    with pytest.warns(DeprecationWarning, match="use created"):
        note = Note(content="a", publication_date=NOW)
    assert note.created == NOW
    assert note.publication_date is None
    with pytest.raises(ValidationError, match="give only created"):
        Note(content="a", publication_date=NOW, created=NOW)


def test_files_travel_inside_of_their_object() -> None:
    marking = TLPMarking(level="red")
    file = AssociatedFile(
        name="a.txt", content=b"x" * 100, mime_type="text/plain", markings=[marking]
    )
    report = Report(name="a", publication_date=NOW, files=[file])
    (form,) = report.to_stix_dict()["x_opencti_files"]
    assert form["data"].count("\n") == 2
    assert form["object_marking_refs"] == [marking.id]
    assert marking in list(report.referenced_objects())
    stix = file.to_stix2_object()
    assert stix["name"] == "a.txt" and "id" not in stix and "type" not in stix


def test_files_of_any_content_can_be_compared() -> None:
    file = AssociatedFile(name="a.bin", content=b"\xff\x00\xfe")
    assert file == AssociatedFile(name="a.bin", content=b"\xff\x00\xfe")
    assert file != AssociatedFile(name="a.bin", content=b"\xff")
    report = Report(name="a", publication_date=NOW, files=[file])
    assert len({report, report.model_copy(), file}) == 2
    assert report.to_stix_dict()["x_opencti_files"][0]["data"] == "/wD+\n"


def test_an_indicator_that_is_over_was_valid_before() -> None:
    with clock.frozen(NOW):
        over = Indicator(
            name="a",
            pattern="p",
            pattern_type="yara",
            valid_until=NOW - timedelta(days=1),
        )
        form, stix = over.to_stix_dict(), over.to_stix2_object()
    assert form["valid_from"] < form["valid_until"]
    assert stix["valid_from"] < stix["valid_until"]


def test_observables_have_opencti_properties_for_what_stix_does_not_give_them() -> None:
    author = OrganizationAuthor(name="A")
    form = IPV4Address(
        value="192.0.2.1",
        author=author,
        labels=["a"],
        score=0,
        create_indicator=False,
        created=NOW,
    ).to_stix_dict()
    assert form["x_opencti_created_by_ref"] == author.id
    assert form["x_opencti_labels"] == ["a"]
    assert (form["x_opencti_score"], form["x_opencti_create_indicator"]) == (0, False)
    assert "created" not in form


def test_coverage_has_its_scores_inside() -> None:
    coverage = SecurityCoverage(
        name="a", covered=REFERENCE, coverage=[{"name": "detection", "score": 50}]  # type: ignore[list-item]
    )
    assert coverage.to_stix_dict()["coverage"] == [{"name": "detection", "score": 50.0}]


def test_a_connector_may_bring_an_observable_of_its_own() -> None:
    class Beacon(BaseObservableEntity):
        """In the older style: it only builds a stix2 object, with the common properties."""

        value: str

        def to_stix2_object(self) -> Any:
            import stix2

            return stix2.v21.URL(value=self.value, **self._common_stix2_properties())

    beacon = Beacon(value="https://a.example", score=5, labels=["a"])
    assert beacon.id == URL(value="https://a.example").id
    assert beacon.to_stix_dict()["x_opencti_labels"] == ["a"]


def test_ids_are_read_only() -> None:
    tool = Campaign(name="a")
    with pytest.raises(AttributeError):
        tool.id = "campaign--1"  # type: ignore[misc]
    assert tool.id and "id" in tool.model_dump()
    assert Campaign(**dict(tool)) == tool
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tool.description = "the same campaign"


def test_a_part_has_one_content() -> None:
    for build in (
        EmailMimePart,
        lambda: EmailMimePart(body="a", body_raw=REFERENCE),
        WindowsRegistryValue,
        lambda: Artifact(payload_bin="AA==", decryption_key="a"),
    ):
        with pytest.raises(ValidationError, match="needs"):
            build()


def test_an_older_subclass_may_extend_what_it_overrides() -> None:
    class Extended(IPV4Address):
        """Adds a property of its own to the stix2 object."""

        def to_stix2_object(self) -> Any:
            stix = super().to_stix2_object()
            return stix.new_version(x_own="mine") if hasattr(stix, "modified") else stix

    extended = Extended(value="192.0.2.1", score=5)
    assert extended.id == IPV4Address(value="192.0.2.1").id
    assert extended.to_stix_dict()["x_opencti_score"] == 5

    class Mixin:
        """Brings the override from elsewhere."""

        def to_stix2_object(self) -> Any:
            import stix2

            return stix2.v21.URL(value="https://a.example")

    class Mixed(Mixin, BaseObservableEntity):  # type: ignore[misc]
        """Has it from the mixin."""

    assert Mixed().to_stix_dict()["type"] == "url"


@pytest.mark.parametrize("name", ["SHA256", "sha256", "sha-256", "SHA-256"])
def test_hashes_have_one_spelling(name: str) -> None:
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    file = File(hashes={name: digest})  # type: ignore[dict-item]
    assert file.to_stix_dict()["hashes"] == {"SHA-256": digest}
    assert file.id == File(hashes={"SHA-256": digest}).id  # type: ignore[dict-item]
    with pytest.raises(ValidationError, match="is no SHA-256"):
        File(hashes={name: "zz"})  # type: ignore[dict-item]


def test_processes_may_know_each_other() -> None:
    parent = Process(pid=1)
    child = Process(pid=2, parent=parent)
    parent.children = [child]
    assert parent.id != child.id
    assert child.id == Process(pid=2, parent=Reference(id=parent.id)).id


def test_incidents_may_be_seen_in_any_order() -> None:
    from connectors_sdk.models import Incident

    assert Incident(name="a", first_seen=LATER, last_seen=NOW)


def test_an_indicator_may_have_ended_before_time_began() -> None:
    never = datetime(1, 1, 1, tzinfo=UTC)
    form = Indicator(
        name="a", pattern="p", pattern_type="yara", valid_until=never
    ).to_stix_dict()
    assert form["valid_from"]


def test_models_compare_with_what_knows_better() -> None:
    from unittest import mock

    assert IPV4Address(value="192.0.2.1") == mock.ANY
    assert IPV4Address(value="192.0.2.1") != "192.0.2.1"


def test_modules_are_attributes_of_the_package() -> None:
    import subprocess
    import sys

    program = "from connectors_sdk import models; print(models.enums.TLPLevel.RED, models.patterns.escape('a'))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "red a\n"
