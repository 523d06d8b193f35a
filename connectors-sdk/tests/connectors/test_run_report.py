"""A run in numbers and in one line."""

from datetime import datetime, timezone

from connectors_sdk.connectors import RunReport


def test_summary() -> None:
    report = RunReport()
    report.add_read(7)
    report.add_bundle(10)
    report.add_bundle(5)
    report.add_skipped("not modified", 2)
    report.add_skipped("revoked")
    report.add_quarantined()
    report.add_error("page 3: HTTP 500")
    following = datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert report.summary(1.25, following) == (
        "Run finished: read 7, sent 15 objects in 2 bundles, skipped 3 (not modified: 2, revoked: 1), "
        "quarantined 1, errors 1, took 1.2 s, next run 2024-01-01T00:00:00+00:00"
    )
    assert report.remarks == (
        "2 skipped (not modified); 1 skipped (revoked); 1 set aside; page 3: HTTP 500"
    )


def test_an_empty_run() -> None:
    assert RunReport().summary(0, None) == (
        "Run finished: read 0, sent 0 objects in 0 bundles, skipped 0, quarantined 0, errors 0, took 0.0 s, next run none"
    )
    assert not RunReport().remarks


def test_what_is_collected_is_counted() -> None:
    report = RunReport()
    data = [1, 2, 3]
    assert report.observe(data) is data
    assert list(report.observe(iter([[1, 2], (3,), {"a": 1}]))) == [
        [1, 2],
        (3,),
        {"a": 1},
    ]
    assert report.read == 3 + 4
    response: dict[str, list[int]] = {"data": []}
    assert report.observe(response) is response
    assert report.read == 7


def test_a_processor_that_counts_for_itself_is_believed() -> None:
    report = RunReport()
    report.observe([1, 2, 3])
    report.add_read(10)
    report.observe([1])
    report.add_read()
    assert report.read == 11
