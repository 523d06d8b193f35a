"""Users, groups, roles, capabilities, settings, and the log of what changed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opencti_testbed.graphql.filters import as_list
from opencti_testbed.graphql.nodes import as_nodes, connection
from opencti_testbed.graphql.reading import page_of
from opencti_testbed.graphql.registry import ApiError, Registry, Resolver
from opencti_testbed.graphql.schema import PAGE
from opencti_testbed.store import Store
from opencti_testbed.store.administration import UnknownRecord
from opencti_testbed.store.events import Event

RECORD = (
    "id: ID! standard_id: String entity_type: String! parent_types: [String!]!"
    " created_at: DateTime updated_at: DateTime name: String description: String"
)
TYPES = f"""
type Capability {{ {RECORD} attribute_order: Int }}
type Role {{ {RECORD} capabilities: [Capability] capabilitiesInDraft: [Capability]
    can_manage_sensitive_config: Boolean }}
type ConfidenceOverride {{ entity_type: String max_confidence: Int source: ConfidenceSource }}
type ConfidenceSource {{ type: String object: Group }}
type ConfidenceLevel {{ max_confidence: Int source: ConfidenceSource overrides: [ConfidenceOverride] }}
type DefaultMarking {{ entity_type: String values: [MarkingDefinition] }}
type Group {{ {RECORD} default_assignation: Boolean no_creators: Boolean restrict_delete: Boolean
    default_hidden_types: [String] auto_new_marking: Boolean allowed_marking: [MarkingDefinition]
    default_marking: [DefaultMarking] not_shareable_marking_types: [String]
    max_shareable_marking: [MarkingDefinition] group_confidence_level: ConfidenceLevel
    roles({PAGE}): RoleConnection members({PAGE}): UserConnection }}
type UserToken {{ id: ID! name: String }}
type User {{ {RECORD} individual_id: String user_email: String firstname: String lastname: String language: String
    theme: String unit_system: String external: Boolean restrict_delete: Boolean account_status: String
    account_lock_after_date: DateTime submenu_show_icons: Boolean submenu_auto_collapse: Boolean
    monochrome_labels: Boolean api_tokens: [UserToken] roles: [Role] groups({PAGE}): GroupConnection
    capabilities: [Capability] capabilitiesInDraft: [Capability] user_service_account: Boolean
    objectOrganization({PAGE}): OrganizationConnection administrated_organizations: [Organization]
    user_confidence_level: ConfidenceLevel effective_confidence_level: ConfidenceLevel }}
type Log {{ id: ID! entity_type: String event_type: String event_scope: String event_status: String
    timestamp: DateTime user_id: String context_uri: String user_metadata: Any }}
type InternalRelationship {{ id: ID! standard_id: String entity_type: String parent_types: [String]
    created_at: DateTime updated_at: DateTime from: Anything to: Anything }}
type AddedToken {{ token_id: ID plaintext_token: String expires_at: DateTime }}
type Toggle {{ enabled: Boolean protected_ids: [String] }}
type SensitiveConfig {{ enabled: Boolean markings: Toggle groups: Toggle roles: Toggle rules: Toggle
    ce_ee_toggle: Toggle file_indexing: Toggle platform_organization: Toggle }}
type Settings {{ {RECORD} platform_organization: Organization platform_title: String platform_favicon: String
    platform_email: String platform_url: String platform_language: String platform_cluster: Anything
    platform_modules: [Anything] platform_providers: [Anything] platform_user_statuses: [Anything]
    platform_theme: Anything platform_ai_enabled: Boolean platform_openaev_url: String platform_opengrc_url: String
    platform_ai_type: String platform_ai_model: String platform_ai_has_token: Boolean platform_login_message: String
    platform_consent_message: String platform_consent_confirm_text: String platform_banner_text: String
    platform_banner_level: String platform_session_idle_timeout: Int platform_session_timeout: Int
    platform_whitemark: Boolean platform_demo: Boolean platform_reference_attachment: Boolean
    platform_feature_flags: [Anything] platform_critical_alerts: [Anything] platform_trash_enabled: Boolean
    platform_max_confidence: Int platform_protected_sensitive_config: SensitiveConfig
    platform_enterprise_edition: Anything analytics_google_analytics_v4: String activity_listeners: [Anything]
    platform_messages: [Anything] messages_administration: [Anything] }}
type AppInfo {{ version: String dependencies: [Anything] memory: Anything }}
"""
SURE: Mapping[str, Any] = {"max_confidence": 100, "source": None, "overrides": []}
# Relationship type between administered records -> (where it is kept, type of the target).
RELATIONS = {
    "has-role": ("roles", "Role"),
    "has-capability": ("capabilities", "Capability"),
    "has-capability-in-draft": ("capabilitiesInDraft", "Capability"),
    "member-of": ("groups", "Group"),
    "participate-to": ("organizations", "Organization"),
    "accesses-to": ("allowed_marking", "Marking-Definition"),
}


class People:
    """Answers about one store's records."""

    def __init__(self, store: Store) -> None:
        """Bind to a store."""
        self._store = store
        self._records = store.administration

    def shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record as an answer, with what it refers to."""
        base = {
            **record,
            "standard_id": f"{str(record['entity_type']).lower()}--{record['id']}",
            "parent_types": ["Basic-Object", "Internal-Object"],
        }
        details = DETAILS.get(record["entity_type"])
        return {**base, **details(self, record)} if details else base

    def named(self, ids: Any, entity_type: str) -> list[dict[str, Any]]:
        """Return the records of some ids as answers; ids that are gone are left out."""
        found = (self._records.get(str(one), entity_type) for one in ids or ())
        return [self.shown(one) for one in found if one]

    def user(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a user has besides its own members."""
        groups = self.named(record.get("groups"), "Group")
        roles = {r["id"]: r for g in groups for r in g["role_list"]}
        granted = {c["id"]: c for r in roles.values() for c in r["capabilities"]}
        return {
            "groups": connection(groups),
            "roles": list(roles.values()),
            "capabilities": list(granted.values()),
            "capabilitiesInDraft": [],
            "objectOrganization": connection(self.objects(record.get("organizations"))),
            "administrated_organizations": [],
            "api_tokens": [
                t for t in self._records.all("Token") if t["user_id"] == record["id"]
            ],
            "effective_confidence_level": record.get("user_confidence_level") or SURE,
            "account_status": record.get("account_status") or "Active",
        }

    def group(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a group has besides its own members."""
        roles = self.named(record.get("roles"), "Role")
        members = [
            {"id": u["id"], "name": u.get("name"), "user_email": u.get("user_email")}
            for u in self._records.all("User")
            if record["id"] in (u.get("groups") or ())
        ]
        return {
            "role_list": roles,
            "roles": connection(roles),
            "members": connection(members),
            "allowed_marking": self.objects(record.get("allowed_marking")),
            "default_marking": record.get("default_marking") or [],
            "default_hidden_types": record.get("default_hidden_types") or [],
            "not_shareable_marking_types": [],
            "max_shareable_marking": [],
            "group_confidence_level": record.get("group_confidence_level") or SURE,
        }

    def role(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a role has besides its own members."""
        return {
            "capabilities": self.named(record.get("capabilities"), "Capability"),
            "capabilitiesInDraft": self.named(
                record.get("capabilitiesInDraft"), "Capability"
            ),
        }

    def settings(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the settings have besides what was set."""
        lists = (
            "platform_modules platform_providers platform_user_statuses platform_feature_flags"
            " platform_critical_alerts activity_listeners"
        ).split()
        return {
            "platform_max_confidence": 100,
            "platform_cluster": {"instances_number": 1},
            "platform_enterprise_edition": {"license_validated": False},
            **{name: record.get(name) or [] for name in lists},
        }

    def objects(self, ids: Any) -> list[Any]:
        """Return stored objects of some ids as answers."""
        found = (self._store.objects.get(str(one)) for one in ids or ())
        return as_nodes(self._store, [one for one in found if one])

    # -- changes ------------------------------------------------------------------------------------------------

    def patch(
        self, record_id: str, entity_type: str, changes: Iterable[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Set members of a record: each change names a key and values."""
        members: dict[str, Any] = {}
        for change in changes:
            values = as_list(change.get("value"))
            if not change.get("key"):
                raise ApiError("BAD_USER_INPUT", "a change without a key")
            members[str(change["key"])] = values[0] if len(values) == 1 else values
        return self.shown(self._records.change(record_id, entity_type, members))

    def relate(self, source: str, kind: str, target: str, add: bool) -> dict[str, Any]:
        """Set or remove a relationship between two records; return the record that keeps it."""
        if kind not in RELATIONS:
            raise ApiError("FUNCTIONAL_ERROR", f"{kind!r} relates no records")
        key, _ = RELATIONS[kind]
        owner = self._owner(source)
        present = [one for one in owner.get(key) or () if one != target]
        changed = {key: [*present, target] if add else present}
        return self._records.change(source, owner["entity_type"], changed)

    def _owner(self, record_id: str) -> dict[str, Any]:
        for entity_type in ("User", "Group", "Role"):
            found = self._records.get(record_id, entity_type)
            if found:
                return found
        raise UnknownRecord(f"{record_id} cannot be found")


DETAILS: Mapping[str, Callable[[People, Mapping[str, Any]], dict[str, Any]]] = {
    "User": People.user,
    "Group": People.group,
    "Role": People.role,
    "Settings": People.settings,
}


def register(registry: Registry) -> None:
    """Register everything about people and settings."""
    registry.types(TYPES)
    for entity_type in ("User", "Group", "Role"):
        _register_records(registry, entity_type)
    registry.query(f"capabilities({PAGE}): CapabilityConnection")(_list("Capability"))
    registry.query("me: User")(_me)
    registry.query("settings: Settings")(
        lambda p, _: People(p.store).shown(p.store.administration.all("Settings")[0])
    )
    registry.mutation("settingsEdit(id: ID!): SettingsEditMutations")(
        lambda _, a: str(a["id"])
    )
    registry.on("SettingsEditMutations", "fieldPatch(input: [EditInput]!): Settings")(
        _answered(lambda p, i, a: People(p.store).patch(i, "Settings", a["input"]))
    )
    registry.mutation(
        "userAdminTokenAdd(userId: ID!, input: UserTokenAddInput!): AddedToken"
    )(_add_token)
    registry.mutation("userAdminTokenRevoke(userId: ID!, id: ID!): ID")(_revoke_token)
    for name in ("log", "audit"):
        registry.query(f"{name}(id: ID!): Log")(_log if name == "log" else _nothing)
        registry.query(f"{name}s({page_of('Logs')}): LogConnection")(
            _logs if name == "log" else lambda *_: connection([])
        )


def _register_records(registry: Registry, entity_type: str) -> None:
    name = entity_type.lower()
    edits = f"{entity_type}EditMutations"
    registry.query(f"{name}(id: String!): {entity_type}")(_single(entity_type))
    registry.query(f"{name}s({page_of(f'{entity_type}s')}): {entity_type}Connection")(
        _list(entity_type)
    )
    registry.mutation(f"{name}Add(input: {entity_type}AddInput!): {entity_type}")(
        _add(entity_type)
    )
    registry.mutation(f"{name}Edit(id: ID!): {edits}")(lambda _, a: str(a["id"]))

    def delete(platform: Any, record_id: str, _: Mapping[str, Any]) -> str:
        platform.store.administration.delete(record_id, entity_type)
        return record_id

    def relate(platform: Any, record_id: str, arguments: Mapping[str, Any]) -> Any:
        given = arguments.get("input") or {}
        return _relation_added(platform.store, record_id, given)

    def unrelate(platform: Any, record_id: str, arguments: Mapping[str, Any]) -> Any:
        source, target = _ends(record_id, arguments)
        people = People(platform.store)
        people.relate(source, str(arguments["relationship_type"]), target, add=False)
        return people.shown(
            platform.store.administration.require(record_id, entity_type)
        )

    registry.on(edits, "delete: ID")(_answered(delete))
    registry.on(edits, f"fieldPatch(input: [EditInput]!): {entity_type}")(
        _answered(
            lambda p, i, a: People(p.store).patch(i, entity_type, a.get("input") or [])
        )
    )
    registry.on(
        edits, "relationAdd(input: InternalRelationshipAddInput!): InternalRelationship"
    )(_answered(relate))
    registry.on(
        edits,
        f"relationDelete(fromId: StixRef, toId: StixRef, relationship_type: String!): {entity_type}",
    )(_answered(unrelate))
    if entity_type == "User":
        for action, add in (("organizationAdd", True), ("organizationDelete", False)):
            registry.on(edits, f"{action}(organizationId: ID!): User")(
                _answered(_organization(add))
            )
    if entity_type == "Group":
        registry.on(edits, "editDefaultMarking(input: DefaultMarkingInput!): Group")(
            _answered(
                lambda p, i, a: People(p.store).shown(
                    p.store.administration.change(
                        i, "Group", {"default_marking": [a["input"]]}
                    )
                )
            )
        )


def _answered(deed: Callable[[Any, str, Mapping[str, Any]], Any]) -> Any:
    """Return a resolver that tells the client what it asked for is not there."""

    def resolve(platform: Any, record_id: str, arguments: Mapping[str, Any]) -> Any:
        try:
            return deed(platform, record_id, arguments)
        except UnknownRecord as error:
            raise ApiError("FUNCTIONAL_ERROR", str(error)) from error

    return resolve


def _single(entity_type: str) -> Resolver:
    def resolve(platform: Any, arguments: Mapping[str, Any]) -> Any:
        found = platform.store.administration.get(str(arguments["id"]), entity_type)
        return People(platform.store).shown(found) if found else None

    return resolve


def _list(entity_type: str) -> Resolver:
    def resolve(platform: Any, arguments: Mapping[str, Any]) -> Any:
        search = str(arguments.get("search") or "").lower()
        found = [
            record
            for record in platform.store.administration.all(entity_type)
            if matches(record, arguments.get("filters"))
            and (search in f"{record.get('name')} {record.get('user_email')}".lower())
        ]
        offset = int(arguments.get("after") or 0)
        end = offset + int(arguments.get("first") or 500)
        people = People(platform.store)
        nodes = [people.shown(record) for record in found[offset:end]]
        return connection(nodes, len(found), offset, end < len(found))

    return resolve


def matches(record: Mapping[str, Any], group: Any) -> bool:
    """Return whether a record fulfils a FilterGroup; of operators only `eq` and `not_eq` are known here.

    Raises:
        ApiError: another operator.
    """
    if not group or not isinstance(group, Mapping):
        return True
    found = [_fits(record, one) for one in as_list(group.get("filters"))]
    found += [matches(record, one) for one in as_list(group.get("filterGroups"))]
    if not found:
        return True
    return any(found) if group.get("mode") == "or" else all(found)


def _fits(record: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    operator = one.get("operator") or "eq"
    if operator not in ("eq", "not_eq"):
        raise ApiError("UNSUPPORTED_ERROR", f"{operator!r} does not filter these")
    keys = ["id" if key == "ids" else key for key in as_list(one.get("key"))]
    wanted = {str(value).lower() for value in as_list(one.get("values"))}
    there = {str(v).lower() for key in keys for v in as_list(record.get(key))}
    return bool(there & wanted) == (operator == "eq")


def _add(entity_type: str) -> Resolver:
    def resolve(platform: Any, arguments: Mapping[str, Any]) -> Any:
        given = {
            k: v for k, v in (arguments.get("input") or {}).items() if v is not None
        }
        given.pop("password", None)
        if not given.get("name"):
            raise ApiError("BAD_USER_INPUT", f"{entity_type} without a name")
        organizations = given.pop("objectOrganization", None)
        if organizations:
            given["organizations"] = as_list(organizations)
        record = platform.store.administration.add(entity_type, given)
        return People(platform.store).shown(record)

    return resolve


def _ends(record_id: str, given: Mapping[str, Any]) -> tuple[str, str]:
    return str(given.get("fromId") or record_id), str(given.get("toId") or record_id)


def _relation_added(
    store: Store, record_id: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    source, target = _ends(record_id, given)
    kind = str(given.get("relationship_type"))
    people = People(store)
    owner = people.relate(source, kind, target, add=True)
    other = store.administration.get(target, RELATIONS[kind][1])
    to = people.shown(other) if other else next(iter(people.objects([target])), None)
    return {
        "id": f"{source}~{kind}~{target}",
        "standard_id": f"{kind}--{source}",
        "entity_type": kind,
        "parent_types": ["basic-relationship", "internal-relationship"],
        "created_at": owner["updated_at"],
        "updated_at": owner["updated_at"],
        "from": people.shown(owner),
        "to": to,
    }


def _organization(add: bool) -> Callable[[Any, str, Mapping[str, Any]], Any]:
    def deed(platform: Any, record_id: str, arguments: Mapping[str, Any]) -> Any:
        people = People(platform.store)
        organization = str(arguments["organizationId"])
        return people.shown(
            people.relate(record_id, "participate-to", organization, add)
        )

    return deed


def _me(platform: Any, _: Mapping[str, Any]) -> Any:
    store = platform.store
    user_id = platform.caller.user_id
    return People(store).shown(store.administration.require(user_id, "User"))


def _only_with_bypass(platform: Any) -> None:
    granted = _me(platform, {})["capabilities"]
    if "BYPASS" not in (one["name"] for one in granted):
        raise ApiError("FORBIDDEN_ACCESS", "You are not allowed to do this.")


def _add_token(platform: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    _only_with_bypass(platform)
    name = str((arguments.get("input") or {}).get("name") or "token")
    try:
        token_id, token = platform.store.administration.add_token(
            str(arguments["userId"]), name
        )
    except UnknownRecord as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    return {"token_id": token_id, "plaintext_token": token, "expires_at": None}


def _revoke_token(platform: Any, arguments: Mapping[str, Any]) -> str:
    _only_with_bypass(platform)
    token_id = str(arguments["id"])
    try:
        platform.store.administration.delete(token_id, "Token")
    except UnknownRecord as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    return token_id


# -- the log: the journal of changes -----------------------------------------------------------------------------------


def _nothing(_: Any, __: Mapping[str, Any]) -> None:
    return None


def _log(platform: Any, arguments: Mapping[str, Any]) -> Any:
    wanted = str(arguments["id"])
    if not wanted.isdigit():
        return None
    found = platform.store.events.after(int(wanted) - 1, 1)
    return (
        _entry(platform.store, found[0])
        if found and found[0].id == int(wanted)
        else None
    )


def _logs(platform: Any, arguments: Mapping[str, Any]) -> Any:
    first = int(arguments.get("first") or 100)
    after = int(arguments.get("after") or 0)
    found = platform.store.events.after(after, first + 1)
    nodes = [_entry(platform.store, event) for event in found[:first]]
    answer = connection(
        nodes, platform.store.events.last_id(), after, len(found) > first
    )
    if nodes:
        # Here a cursor is the number of an event, whatever was deleted between.
        answer["pageInfo"]["endCursor"] = nodes[-1]["id"]
    return answer


def _entry(store: Store, event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "entity_type": "History",
        "event_type": "mutation",
        "event_scope": event.kind,
        "event_status": "success",
        "timestamp": event.at,
        "user_id": store.events.made_by(event.id) or store.user_id,
        "context_uri": f"/dashboard/id/{event.object_id}",
        "user_metadata": {},
    }
