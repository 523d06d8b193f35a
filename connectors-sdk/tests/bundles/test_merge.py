"""The merging rule, sentence by sentence."""

from connectors_sdk.bundles import merge_objects

OLD = "2024-01-01T00:00:00.000Z"
NEW = "2024-06-01T00:00:00.000Z"


def test_a_later_non_empty_scalar_wins() -> None:
    first = {"name": "a", "description": "x", "confidence": 5, "revoked": True}
    second = {"name": "b", "description": "", "confidence": 0, "revoked": False}
    assert merge_objects(first, second) == {
        "name": "b",
        "description": "x",
        "confidence": 0,
        "revoked": False,
    }


def test_empty_values_replace_nothing() -> None:
    full = {"a": "x", "b": ["y"], "c": {"z": 1}}
    assert merge_objects(full, {"a": None, "b": [], "c": {}}) == full
    assert merge_objects({"a": None, "b": [], "c": {}}, full) == full


def test_the_newer_version_wins_whatever_the_order() -> None:
    old = {"modified": OLD, "name": "old", "only_old": 1}
    new = {"modified": NEW, "name": "new"}
    for first, second in ((old, new), (new, old)):
        merged = merge_objects(first, second)
        assert merged == {"modified": NEW, "name": "new", "only_old": 1}


def test_fractions_of_seconds_count() -> None:
    first = {"modified": "2024-01-01T00:00:00.5Z", "name": "newer"}
    second = {"modified": "2024-01-01T00:00:00Z", "name": "older"}
    assert merge_objects(first, second)["name"] == "newer"


def test_created_keeps_the_earliest() -> None:
    assert merge_objects({"created": NEW}, {"created": OLD}) == {"created": OLD}
    assert merge_objects({"created": OLD}, {"created": NEW}) == {"created": OLD}


def test_lists_unite_in_first_seen_order() -> None:
    first = {"labels": ["b", "a"], "kill_chain_phases": [{"k": 1, "p": 2}]}
    second = {"labels": ["c", "a"], "kill_chain_phases": [{"p": 2, "k": 1}, {"k": 3}]}
    assert merge_objects(first, second) == {
        "labels": ["b", "a", "c"],
        "kill_chain_phases": [{"k": 1, "p": 2}, {"k": 3}],
    }


def test_dictionaries_merge_key_by_key() -> None:
    first = {"hashes": {"MD5": "1", "SHA-1": "2"}}
    second = {"hashes": {"SHA-1": "3", "SHA-256": "4"}}
    assert merge_objects(first, second) == {
        "hashes": {"MD5": "1", "SHA-1": "3", "SHA-256": "4"}
    }


def test_inputs_stay_as_they_are() -> None:
    first = {"labels": ["a"], "hashes": {"MD5": "1"}}
    second = {"labels": ["b"], "hashes": {"MD5": "2"}}
    merge_objects(first, second)
    assert first == {"labels": ["a"], "hashes": {"MD5": "1"}}
    assert second == {"labels": ["b"], "hashes": {"MD5": "2"}}
