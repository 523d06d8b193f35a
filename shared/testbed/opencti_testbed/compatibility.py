"""What the platform supports, class by class and operation by operation of the client `pycti`.

Tests hold this to be true in both directions: what is supported works, what is not supported is refused. The table in
COMPATIBILITY.md is written from it: `python -m opencti_testbed.compatibility > shared/testbed/COMPATIBILITY.md`.
"""

from collections.abc import Iterator, Mapping

from opencti_testbed.graphql.absent import ABSENT, ABSENT_EDITS

OPERATIONS = ("create", "read", "list", "filter", "update", "delete")

_ENTITIES = (
    "attack_pattern campaign case_incident case_rfi case_rft channel course_of_action data_component data_source event"
    " feedback grouping identity incident indicator infrastructure intrusion_set language location malware"
    " malware_analysis narrative note observed_data opinion report security_coverage security_coverage_result task"
    " threat_actor threat_actor_group threat_actor_individual tool vulnerability stix_cyber_observable stix_core_relationship"
    " stix_sighting_relationship label marking_definition external_reference kill_chain_phase vocabulary user group role"
).split()
_NO_METHOD = "the client has no such method"
# Attribute of the client -> {operation: why it is not supported}. Operations that are not named are supported.
CLASSES: Mapping[str, Mapping[str, str]] = {
    **{name: {} for name in _ENTITIES},
    "role": {"filter": "the client sends no filter with this list"},
    "stix_nested_ref_relationship": {
        "update": "a reference between two objects has no attributes of its own",
        "delete": _NO_METHOD,
        "filter": "references are found by their ends and their type, not by a FilterGroup",
    },
    "stix_domain_object": {"create": _NO_METHOD},
    "stix_core_object": {"create": _NO_METHOD, "update": _NO_METHOD},
    "opencti_stix_object_or_stix_relationship": {
        "create": _NO_METHOD,
        "update": _NO_METHOD,
        "delete": _NO_METHOD,
    },
    "stix": {
        "create": _NO_METHOD,
        "read": _NO_METHOD,
        "list": _NO_METHOD,
        "filter": _NO_METHOD,
        "update": _NO_METHOD,
    },
    "settings": {
        "create": _NO_METHOD,
        "list": _NO_METHOD,
        "filter": _NO_METHOD,
        "delete": _NO_METHOD,
    },
    "capability": {
        "create": _NO_METHOD,
        "read": _NO_METHOD,
        "filter": "the client sends no filter with this list",
        "update": _NO_METHOD,
        "delete": _NO_METHOD,
    },
    "log": {
        "create": _NO_METHOD,
        "filter": "the log is read in its order",
        "update": _NO_METHOD,
        "delete": _NO_METHOD,
    },
    "audit": {
        "create": _NO_METHOD,
        "read": "nobody's activity is recorded: there is nothing to read",
        "filter": "nobody's activity is recorded: the list is empty",
        "update": _NO_METHOD,
        "delete": _NO_METHOD,
    },
}
# What is served in another way than by a real platform.
DEVIATIONS: tuple[tuple[str, str], ...] = (
    ("unknown root fields", "refused by name, as on a real platform"),
    (
        "unknown fields, arguments and input keys of known types",
        "answered null or left out, logged once; `strict` refuses them",
    ),
    (
        "types and positions of variables, values of enumerations",
        "taken as they come: clients of several versions are served",
    ),
    (
        "lists: order, search",
        "cursors are offsets; what lacks the attribute that is ordered by comes last; search looks for the beginnings of"
        " words in name, aliases and description",
    ),
    (
        "create",
        "every create is an upsert by the rules of ingestion; types of relationships are checked against their ends where"
        " STIX or OpenCTI name these, and let through where they leave it open",
    ),
    (
        "labels",
        "a label that is there is answered unchanged; its colour is derived from its text",
    ),
    (
        "standard ids",
        "computed as the platform does; a renamed object gets a new one and stays known by the old one",
    ),
    (
        "names and aliases, hashes",
        "objects of one type that share a name, an alias or a hash are one object;"
        " ATT&CK ids take precedence over names",
    ),
    (
        "confidence",
        "one user of full confidence: a value is replaced by one of at least the stored confidence, an author by a greater one",
    ),
    (
        "scores",
        "integers from 0 to 100, others are refused; an indicator without score gets 50",
    ),
    (
        "dangling references",
        "awaited while anything else is to be ingested and one second longer, then the object is rejected",
    ),
    (
        "merging",
        "names, ids, references and relationships move to the target; one `merge` event tells of it",
    ),
    (
        "deleting",
        "relationships of the object go with it, mentions of it are removed; there is no trash",
    ),
    (
        "users, groups, roles, tokens",
        "kept and answered; markings that no group of a user allows are hidden from lists, streams and files;"
        " capabilities guard the giving of tokens alone",
    ),
    (
        "statuses",
        "the default ones of types that are worked on, and of indicators; they cannot be configured",
    ),
    (
        "vocabularies",
        "none is there before it is created, and none is demanded: open vocabularies take every value",
    ),
    ("templates of cases, TAXII collections", "there are none"),
    ("settings", "kept as they are set; nothing depends on them"),
    (
        "log",
        "one entry per change of an object, from the journal that streams are read from",
    ),
    ("sharing with organizations", "kept on the object; hides nothing"),
    ("`synchronized-upsert`", "ignored: lists grow"),
    ("custom fields, upsert operations, decay of scores", "ignored"),
)


def lines() -> Iterator[str]:
    """Yield the lines of the compatibility table (Markdown)."""
    yield "# Compatibility"
    yield ""
    yield "Written by `python -m opencti_testbed.compatibility`; tests hold it to be true in both directions."
    yield ""
    yield "## Classes of the client"
    yield ""
    yield f"| class | {' | '.join(OPERATIONS)} | not supported because |"
    yield f"| --- |{' :-: |' * len(OPERATIONS)} --- |"
    for name, missing in sorted(CLASSES.items()):
        marks = " | ".join("–" if one in missing else "✓" for one in OPERATIONS)
        reasons = dict.fromkeys(r for r in missing.values() if r != _NO_METHOD)
        yield f"| `{name}` | {marks} | {'; '.join(reasons)} |"
    yield ""
    yield f"A dash without a reason: {_NO_METHOD}."
    yield ""
    yield "## Operations and their deviations"
    yield ""
    yield "| operation | here |"
    yield "| --- | --- |"
    for what, how in DEVIATIONS:
        yield f"| {what} | {how} |"
    yield ""
    yield "## Known by name and refused"
    yield ""
    yield "| mutation | reason |"
    yield "| --- | --- |"
    for name, (_, reason) in sorted(ABSENT.items()):
        yield f"| `{name}` | {reason} |"
    for (type_name, name), (_, reason) in sorted(ABSENT_EDITS.items()):
        root = type_name[0].lower() + type_name.removesuffix("Mutations")[1:]
        yield f"| `{root}.{name}` | {reason} |"


if __name__ == "__main__":
    print("\n".join(lines()))
