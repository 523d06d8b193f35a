"""What clients can ask for and this platform does not have: known by name, refused with the reason."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.graphql.registry import ApiError, Registry

NO_RULES = "there is no inference engine: no rule is applied, cleared or scanned"
NO_PIRS = "there are no priority intelligence requirements"
NO_PLAYBOOKS = "there is no playbook engine"
NO_TRASH = "there is no trash: what is deleted is gone"
NO_PAGES = "there are no dashboards and workspaces"
NO_MAIL = "nobody is notified, no mail is sent"
NO_MESSAGES = "there are no messages to all users"
NO_DATES_OF_REFERENCES = "a reference between two objects has no attributes of its own"
# Mutation field -> (arguments and type, why it is refused).
ABSENT: Mapping[str, tuple[str, str]] = {
    "ruleApply": ("(elementId: ID!, ruleId: ID!): Boolean", NO_RULES),
    "ruleApplyAsync": (
        "(elementId: ID!, ruleId: ID!, executionId: ID): Boolean",
        NO_RULES,
    ),
    "ruleClear": ("(elementId: ID!, ruleId: ID!): Boolean", NO_RULES),
    "rulesRescan": ("(elementId: ID!): Boolean", NO_RULES),
    "rulesRescanAsync": ("(elementId: ID!, executionId: ID): Boolean", NO_RULES),
    "pirFlagElement": ("(id: ID!, input: PirFlagElementInput!): ID", NO_PIRS),
    "pirUnflagElement": ("(id: ID!, input: PirUnflagElementInput!): ID", NO_PIRS),
    "playbookExecute": ("(id: ID!, entityId: String!): Boolean", NO_PLAYBOOKS),
    "playbookDelete": ("(id: ID!): ID", NO_PLAYBOOKS),
    "deleteOperationConfirm": ("(id: ID!): ID", NO_TRASH),
    "deleteOperationRestore": ("(id: ID!): ID", NO_TRASH),
    "publicDashboardDelete": ("(id: ID!): ID", NO_PAGES),
    "workspaceDelete": ("(id: ID!): ID", NO_PAGES),
    "notificationDelete": ("(id: ID!): ID", NO_MAIL),
    "notificationMarkRead": ("(id: ID!, read: Boolean!): Notification", NO_MAIL),
    "sendUserMail": ("(input: SendUserMailInput!): Boolean", NO_MAIL),
}
# The same below an edit field: (type, field) -> (arguments and type, reason).
ABSENT_EDITS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("SettingsEditMutations", "editMessage"): (
        "(input: SettingsMessageInput!): Settings",
        NO_MESSAGES,
    ),
    ("SettingsEditMutations", "deleteMessage"): (
        "(input: String!): Settings",
        NO_MESSAGES,
    ),
    ("StixRefRelationshipEditMutations", "fieldPatch"): (
        "(input: [EditInput]!): StixRefRelationship",
        NO_DATES_OF_REFERENCES,
    ),
}


def register(registry: Registry) -> None:
    """Register the fields that are refused; whoever serves one of them registers it after this."""
    registry.types("type Notification { id: ID! }")
    for name, (signature, reason) in ABSENT.items():
        registry.mutation(f"{name}{signature}")(_refusal(reason))
    for (type_name, name), (signature, reason) in ABSENT_EDITS.items():
        registry.on(type_name, f"{name}{signature}")(_refusal(reason))
    registry.mutation(
        "stixRefRelationshipEdit(id: ID!): StixRefRelationshipEditMutations"
    )(lambda _, arguments: str(arguments["id"]))


def _refusal(reason: str) -> Any:
    def refuse(*_: Any) -> None:
        raise ApiError("UNSUPPORTED_ERROR", f"Not on this platform: {reason}")

    return refuse
