"""What the API makes of good and bad documents."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess


class Caller:
    """Posts documents as they are."""

    def __init__(self, platform: TestbedProcess) -> None:
        self.platform = platform
        self.session = requests.Session()

    def body(self, body: Any, token: str | None = None) -> requests.Response:
        return self.session.post(
            f"{self.platform.url}/graphql",
            data=body if isinstance(body, str | bytes) else json.dumps(body),
            headers={"Authorization": f"Bearer {token or self.platform.token}"},
            timeout=30,
        )

    def __call__(self, text: str, **variables: Any) -> Any:
        answer = self.body({"query": text, "variables": variables})
        assert answer.status_code == 200
        return answer.json()

    def data(self, text: str, **variables: Any) -> Any:
        answer = self(text, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def error(self, text: str, **variables: Any) -> tuple[str, str]:
        answer = self(text, **variables)
        (error,) = answer["errors"]
        assert answer["data"] is None
        assert error["name"] == error["extensions"]["code"]
        assert error["message"] == error["extensions"]["data"]["reason"]
        return error["name"], error["message"]


@pytest.fixture(name="call", scope="module")
def fixture_call() -> Iterator[Caller]:
    with TestbedProcess(options=("--log-level", "info")) as platform:
        yield Caller(platform)


@pytest.fixture(name="strict", scope="module")
def fixture_strict() -> Iterator[Caller]:
    with TestbedProcess(options=("--strict",)) as platform:
        yield Caller(platform)


ADD = "mutation A($input: MalwareAddInput!) { malwareAdd(input: $input) { id name } }"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{ about { version ", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ("", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ("{ nothing { id } }", "GRAPHQL_VALIDATION_FAILED", 'Cannot query field "nothing"'),
        ("{ malwares }", "GRAPHQL_VALIDATION_FAILED", "must have a selection"),
        ("{ about { ...f } }", "GRAPHQL_VALIDATION_FAILED", "Unknown fragment"),
        ("{ about { version(a: $b) } }", "GRAPHQL_VALIDATION_FAILED", "not defined"),
        ("query A { about { version } } query B { me { id } }", "BAD_USER_INPUT", "one operation"),
        ('{ malwares(after: "x") { edges { node { id } } } }', "BAD_USER_INPUT", "no cursor"),
        ('{ malwares(first: "x") { edges { node { id } } } }', "GRAPHQL_VALIDATION_FAILED", "Int"),
        (
            'mutation { stixDomainObjectEdit(id: "x") { explode } }',
            "GRAPHQL_VALIDATION_FAILED",
            'Cannot query field "explode"',
        ),
        (
            'mutation { workEdit(id: "x") { ping } }',
            "WORK_NOT_ALIVE",
            "not alive",
        ),
        ("{" * 5_000, "GRAPHQL_PARSE_FAILED", ""),
        ("{ about " * 400 + "{ version }" + "}" * 400, "GRAPHQL_PARSE_FAILED", "nested"),
        ("subscription { malware { id } }", "GRAPHQL_VALIDATION_FAILED", ""),
        (ADD.replace("$input: MalwareAddInput!", "$input: MalwareAddInput! = 3 x"), "GRAPHQL_PARSE_FAILED", ""),
    ],
)  # fmt: skip
def test_bad_documents_are_refused_in_words(
    call: Caller, text: str, code: str, words: str
) -> None:
    name, message = call.error(text)
    assert (name, words in message) == (code, True), message


def test_missing_variables_are_named(call: Caller) -> None:
    name, message = call.error(ADD)
    assert name == "BAD_USER_INPUT" and "$input" in message


@pytest.mark.parametrize("given", ["text", 3, ["list"]])
def test_inputs_are_objects(call: Caller, given: Any) -> None:
    name, message = call.error(ADD, input=given)
    assert name == "BAD_USER_INPUT" and "object" in message
    name, message = call.error('mutation { malwareAdd(input: "text") { id } }')
    assert "object" in message


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": 3, "is_family": "perhaps"},
        {"name": "n", "objectLabel": {"not": "an id"}},
        {"name": "n", "externalReferences": ["nobody"]},
        {"name": "n", "createdBy": ["nobody"]},
        {"name": "n", "confidence": 1000},
        {"name": "n", "first_seen": "yesterday"},
        {"name": "n", "killChainPhases": "nobody"},
        {"name": "n", "objectMarking": [None]},
    ],
)
def test_bad_inputs_are_refused_in_words(call: Caller, given: Any) -> None:
    before = call.data("{ malwares { pageInfo { globalCount } } }")
    name, message = call.error(ADD, input=given)
    assert name != "INTERNAL_ERROR" and message
    assert call.data("{ malwares { pageInfo { globalCount } } }") == before


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"', b"\xff\xfe", '{"q": 1}'])
def test_bodies_that_hold_no_document_are_refused(call: Caller, body: Any) -> None:
    answer = call.body(body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["name"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("variables", [["a"], "text", 3])
def test_variables_are_an_object(call: Caller, variables: Any) -> None:
    answer = call.body({"query": "{ about { version } }", "variables": variables})
    assert answer.json().get("errors", [{}])[0].get("name") == "BAD_USER_INPUT"


def test_a_wrong_token_reads_and_writes_nothing(call: Caller) -> None:
    for text in ("{ about { version } }", "{ nothing }", "{"):
        answer = call.body({"query": text}, token="wrong").json()
        assert answer["errors"][0]["name"] == "AUTH_REQUIRED"
        assert answer["data"] is None


def test_a_token_given_to_a_user_lets_in_until_it_is_revoked(call: Caller) -> None:
    user = call.data(
        'mutation { userAdd(input: {name: "[C] x", user_email: "x@example.com"}) { id } }'
    )["userAdd"]["id"]
    given = call.data(
        'mutation T($u: ID!) { userAdminTokenAdd(userId: $u, input: {name: "t"})'
        " { token_id plaintext_token } }",
        u=user,
    )["userAdminTokenAdd"]
    about = {"query": "{ about { version } }"}
    assert "errors" not in call.body(about, given["plaintext_token"]).json()
    call.data(
        "mutation R($u: ID!, $t: ID!) { userAdminTokenRevoke(userId: $u, id: $t) }",
        u=user,
        t=given["token_id"],
    )
    assert "errors" in call.body(about, given["plaintext_token"]).json()


def test_unknown_fields_answer_null_and_unknown_arguments_are_left_out(
    call: Caller,
) -> None:
    made = call.data(ADD, input={"name": "Lenient", "is_family": True, "newer": 1})
    read = call.data(
        "query R($id: String!) { malware(id: $id, newer: 2) { name newer { deeply { nested } } } }",
        id=made["malwareAdd"]["id"],
    )
    assert read["malware"] == {"name": "Lenient", "newer": None}


def test_strict_refuses_what_is_unknown(strict: Caller) -> None:
    made = strict.data(ADD, input={"name": "Strict", "is_family": True})
    malware = made["malwareAdd"]["id"]
    for text in (
        f'{{ malware(id: "{malware}") {{ newer }} }}',
        f'{{ malware(id: "{malware}", newer: 1) {{ id }} }}',
    ):
        name, message = strict.error(text)
        assert name == "GRAPHQL_VALIDATION_FAILED" and "newer" in message
    name, message = strict.error(ADD, input={"name": "Strict", "newer": 1})
    assert name == "BAD_USER_INPUT" and "newer" in message


def test_aliases_fragments_and_types_choose_what_is_answered(call: Caller) -> None:
    call.data(ADD, input={"name": "Chosen", "is_family": True, "description": "d"})
    found = call.data(
        """
        query S($names: [Any]) {
          stixDomainObjects(types: ["Malware"], filters: {mode: and, filterGroups: [],
              filters: [{key: "name", values: $names}]}) {
            edges { node { __typename named: standard_id ...parts ... on Tool { name } } }
            pageInfo { globalCount }
          }
        }
        fragment parts on StixDomainObject { entity_type ... on Malware { title: name description } }
        """,
        names=["Chosen"],
    )["stixDomainObjects"]
    assert found["pageInfo"]["globalCount"] == 1
    (edge,) = found["edges"]
    assert edge["node"].pop("named").startswith("malware--")
    assert edge["node"] == {
        "__typename": "Malware",
        "entity_type": "Malware",
        "title": "Chosen",
        "description": "d",
    }


def test_inputs_may_be_literal_single_or_lists(call: Caller) -> None:
    made = call.data(
        'mutation { malwareAdd(input: {name: "Literal", is_family: true, aliases: "One"}) { id aliases } }'
    )["malwareAdd"]
    assert made["aliases"] == ["One"]
    patched = call.data(
        "mutation P($id: ID!, $input: [EditInput]!) { stixDomainObjectEdit(id: $id)"
        " { fieldPatch(input: $input) { ... on Malware { aliases description } } } }",
        id=made["id"],
        input={"key": "aliases", "value": ["Two"], "operation": "add"},
    )["stixDomainObjectEdit"]["fieldPatch"]
    assert patched["aliases"] == ["One", "Two"]
    patched = call.data(
        'mutation P($id: ID!) { stixDomainObjectEdit(id: $id) { fieldPatch(input: {key: "aliases",'
        ' value: "One", operation: remove}) { ... on Malware { aliases } } } }',
        id=made["id"],
    )["stixDomainObjectEdit"]["fieldPatch"]
    assert patched["aliases"] == ["Two"]


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("name", "eq", ["f ONE"], ["F one"]),
        ("name", "not_eq", ["F one", "F two"], ["F one", "F three", "F two"]),
        ("name", "starts_with", ["f t"], ["F three", "F two"]),
        ("name", "not_starts_with", ["F t"], ["F one"]),
        ("name", "ends_with", ["E"], ["F one", "F three"]),
        ("name", "contains", ["hre"], ["F three"]),
        ("name", "wildcard", ["F*o"], ["F two"]),
        ("description", "contains", ["50%"], ["F two"]),
        ("description", "eq", ["lost 50% of it"], ["F two"]),
        ("description", "nil", [], ["F three"]),
        ("description", "not_nil", [], ["F one", "F two"]),
        ("confidence", "gt", ["20"], ["F three"]),
        ("confidence", "gte", ["20"], ["F three", "F two"]),
        ("confidence", "lt", [20], ["F one"]),
        ("confidence", "eq", ["10", "30"], ["F one", "F three"]),
        ("is_family", "eq", ["true"], ["F one", "F two"]),
        ("is_family", "eq", [False], ["F three"]),
        ("aliases", "eq", ["alias one"], ["F one"]),
        ("aliases", "nil", [], ["F three", "F two"]),
        ("first_seen", "gt", ["2024-01-01T00:00:00.000Z"], ["F two"]),
        ("created_at", "gt", ["2020-01-01T00:00:00.000Z"], ["F one", "F three", "F two"]),
        ("created_at", "lt", ["2020-01-01T00:00:00.000Z"], []),
        ("objectLabel", "eq", ["flabel"], ["F one"]),
        ("objectLabel", "nil", [], ["F three", "F two"]),
        ("entity_type", "eq", ["Tool"], []),
        (["name", "aliases"], "eq", ["Alias one", "F two"], ["F one", "F two"]),
        ("aliases", "only_eq_to", ["ALIAS one"], ["F one"]),
        ("aliases", "only_eq_to", ["Alias one", "another"], []),
        ("aliases", "not_only_eq_to", ["Alias one"], ["F three", "F two"]),
        ("objectLabel", "only_eq_to", ["flabel"], ["F one"]),
        ("first_seen", "within", ["2024-05-01", "2024-05-06"], ["F two"]),
        ("first_seen", "within", ["2024-05-06", "2024-05-07"], []),
        ("created_at", "within", ["now-1d", "now+1h"], ["F one", "F three", "F two"]),
        ("created_at", "not_within", ["now-1d", "now+1h"], []),
    ],
)  # fmt: skip
def test_filters(
    call: Caller, key: Any, operator: str, values: list[Any], expected: list[str]
) -> None:
    call.data('mutation { labelAdd(input: {value: "flabel"}) { id } }')
    for given in (
        {"name": "F one", "confidence": 10, "is_family": True, "description": "first",
         "aliases": ["Alias one"], "objectLabel": ["flabel"]},
        {"name": "F two", "confidence": 20, "is_family": True,
         "description": "lost 50% of it", "first_seen": "2024-05-05T00:00:00Z"},
        {"name": "F three", "confidence": 30, "is_family": False},
    ):  # fmt: skip
        call.data(ADD, input=given)
    mine = {"key": "name", "values": ["F "], "operator": "starts_with"}
    tried = {"key": key, "values": values, "operator": operator}
    group = {"mode": "and", "filters": [mine, tried], "filterGroups": []}
    found = call.data(
        "query L($f: FilterGroup) { malwares(first: 50, filters: $f, orderBy: name)"
        " { edges { node { name } } pageInfo { globalCount } } }",
        f=group,
    )["malwares"]
    assert [edge["node"]["name"] for edge in found["edges"]] == expected
    assert found["pageInfo"]["globalCount"] == len(expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["O a", "O b", "O c"]),
        ("confidence", ["O c", "O a", "O b"]),
        ("created_at", ["O b", "O a", "O c"]),
        ("first_seen", ["O a", "O c", "O b"]),
    ],
)
def test_orders(call: Caller, order: str, expected: list[str]) -> None:
    for name, confidence, year in (("b", 30, 2022), ("a", 20, 2020), ("c", 10, 2021)):
        seen = f"{year}-01-01T00:00:00.000Z"
        given = {"name": f"O {name}", "confidence": confidence, "first_seen": seen}
        call.data(ADD, input={**given, "is_family": True})
    mine = {"key": "name", "values": ["O "], "operator": "starts_with"}
    for mode, wanted in (("asc", expected), ("desc", expected[::-1])):
        found = call.data(
            "query L($f: FilterGroup, $o: MalwaresOrdering, $m: OrderingMode)"
            " { malwares(filters: $f, orderBy: $o, orderMode: $m) { edges { node { name } } } }",
            f={"mode": "and", "filters": [mine], "filterGroups": []},
            o=order,
            m=mode,
        )["malwares"]
        assert [edge["node"]["name"] for edge in found["edges"]] == wanted


def test_an_order_is_a_name(call: Caller) -> None:
    name, _ = call.error(
        "query L($o: MalwaresOrdering) { malwares(orderBy: $o) { edges { node { id } } } }",
        o="name; DROP TABLE object",
    )
    assert name == "BAD_USER_INPUT"


BAD_FILTERS: dict[str, Any] = {
    "is no filter": ["x"],
    "Nothing is filtered by 'nonsense_key'": [{"key": "nonsense_key", "values": ["x"]}],
    "regardingOf takes": [{"key": "regardingOf", "values": ["x"]}],
    "within takes two dates": [
        {"key": "created_at", "values": ["soon"], "operator": "within"}
    ],
    "only_eq_to takes one key": [
        {"key": ["name", "aliases"], "values": ["x"], "operator": "only_eq_to"}
    ],
}
LIST = (
    "query L($f: FilterGroup, $first: Int, $after: ID) { malwares(filters: $f, first: $first, after: $after)"
    " { edges { node { id } } pageInfo { globalCount } } }"
)


@pytest.mark.parametrize("words", BAD_FILTERS)
def test_bad_filters_are_refused_in_words(call: Caller, words: str) -> None:
    group = {"mode": "and", "filters": BAD_FILTERS[words], "filterGroups": []}
    name, message = call.error(LIST, f=group)
    assert words in message
    assert name in ("BAD_USER_INPUT", "UNSUPPORTED_ERROR")


def test_long_values_are_found(call: Caller) -> None:
    url = f"https://long.example/{'a' * 450}"
    add = 'mutation A($v: String) { stixCyberObservableAdd(type: "Url", Url: {value: $v}) { id } }'
    call.data(add, v=url)
    text = "query L($f: FilterGroup) { stixCyberObservables(filters: $f) { edges { node { id } } } }"
    for operator, values, number in (
        ("eq", [url.upper()], 1),
        ("eq", [f"{url}b"], 0),
        ("nil", [], 0),
        ("ends_with", ["a" * 450], 1),
    ):
        one = {"key": "value", "values": values, "operator": operator}
        group = {"mode": "and", "filters": [one], "filterGroups": []}
        edges = call.data(text, f=group)["stixCyberObservables"]["edges"]
        assert len(edges) == number, operator


def test_an_empty_page_counts_and_no_cursor_is_too_far(call: Caller) -> None:
    call.data(ADD, input={"name": "counted", "is_family": True})
    everything = call.data(LIST)["malwares"]["pageInfo"]["globalCount"]
    assert everything > 0
    nothing = call.data(LIST, first=0)["malwares"]
    assert nothing["edges"] == []
    assert nothing["pageInfo"]["globalCount"] == everything
    assert call.data(LIST, after="9" * 30)["malwares"]["edges"] == []


def test_an_unknown_operator_is_refused(call: Caller) -> None:
    name, message = call.error(
        '{ malwares(filters: {mode: and, filterGroups: [], filters: [{key: "name", values: ["a"],'
        ' operator: "sounds_like"}]}) { edges { node { id } } } }'
    )
    assert name == "UNSUPPORTED_ERROR" and "sounds_like" in message


def test_pages_follow_each_other_and_count_everything(call: Caller) -> None:
    for n in range(7):
        call.data(ADD, input={"name": f"Paged {n}", "is_family": False})
    mine = {"key": "name", "values": ["Paged"], "operator": "starts_with"}
    names, after = [], None
    for _ in range(10):
        page = call.data(
            "query L($f: FilterGroup, $a: ID) { malwares(first: 3, after: $a, filters: $f, orderBy: name,"
            " orderMode: desc) { edges { node { name } }"
            " pageInfo { endCursor hasNextPage hasPreviousPage globalCount } } }",
            f={"mode": "and", "filters": [mine], "filterGroups": []},
            a=after,
        )["malwares"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert info["globalCount"] == 7
        assert info["hasPreviousPage"] is (after is not None)
        after = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert names == [f"Paged {n}" for n in reversed(range(7))]


def test_search_finds_the_beginnings_of_words(call: Caller) -> None:
    call.data(ADD, input={"name": "Quux Loader", "description": "spreads by e-mail", "is_family": True})  # fmt: skip

    def found(text: str) -> list[str]:
        answer = call.data(
            "query S($s: String) { malwares(search: $s) { edges { node { name } } } }",
            s=text,
        )
        return [edge["node"]["name"] for edge in answer["malwares"]["edges"]]

    assert found("quux") == found("load qu") == found("spread") == ["Quux Loader"]
    assert found('"quux" AND (') == [], "no syntax: a word that is not there"
    assert found("uux") == []
    assert "Quux Loader" in found("***")


def test_introspection_describes_the_schema(call: Caller) -> None:
    found = call.data(
        '{ __type(name: "Malware") { interfaces { name } fields { name } } }'
    )
    assert "StixDomainObject" in {one["name"] for one in found["__type"]["interfaces"]}
    assert "is_family" in {one["name"] for one in found["__type"]["fields"]}
