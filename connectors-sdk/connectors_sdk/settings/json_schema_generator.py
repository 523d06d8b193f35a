"""A settings class as JSON schema of its environment variables."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, NullableSchema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MIGRATION_KEYS = (
    "new_namespace",
    "new_namespaced_var",
    "removal_date",
    "deprecation_message",
)


class ConnectorConfigJsonSchemaGenerator(GenerateJsonSchema):
    """Generates a flat schema: one property for each environment variable, in the order of declaration.

    Attributes:
        connector_name: Slug of the connector; a subclass sets it.
    """

    connector_name: ClassVar[str]

    def generate(
        self, schema: CoreSchema, mode: JsonSchemaMode = "validation"
    ) -> JsonSchemaValue:
        """Generate the schema of a settings class."""
        nested = super().generate(schema, mode)
        nested["$schema"] = _DIALECT
        nested["$id"] = (
            f"https://www.filigran.io/connectors/{self.connector_name}_config.schema.json"
        )
        flat = self.to_environment_variable_schema(self.dereference_schema(nested))
        return self.filter_schema(flat)

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        """Describe an optional value like the value: an environment variable is never null, it is just not set."""
        return self.generate_inner(schema["schema"])

    @staticmethod
    def dereference_schema(schema_with_refs: dict[str, Any]) -> dict[str, Any]:
        """Replace every `$ref` by what it points at; what stands next to a `$ref` is kept and wins.

        Raises:
            ValueError: A `$ref` points elsewhere than to the schema's own definitions, or into itself.
        """
        prefix = "#/$defs/"
        definitions = schema_with_refs.get("$defs", {})

        def inline(node: Any, path: tuple[str, ...]) -> Any:
            if isinstance(node, list):
                return [inline(item, path) for item in node]
            if not isinstance(node, dict):
                return node
            siblings = {
                key: inline(value, path) for key, value in node.items() if key != "$ref"
            }
            if "$ref" not in node:
                return siblings
            target = str(node["$ref"])
            if not target.startswith(prefix):
                raise ValueError(f"Unsupported ref format: {target}")
            name = target.removeprefix(prefix)
            if name in path:
                raise ValueError(f"Recursive definition: {name}")
            return inline(definitions[name], (*path, name)) | siblings

        root = {key: value for key, value in schema_with_refs.items() if key != "$defs"}
        result: dict[str, Any] = inline(root, ())
        return result

    @staticmethod
    def to_environment_variable_schema(root_schema: dict[str, Any]) -> dict[str, Any]:
        """Turn the schema of nested sections into one of environment variables.

        Args:
            root_schema: The nested schema, without `$ref`.
        """
        properties: dict[str, Any] = {}
        required: list[str] = []
        needed = root_schema.get("required", [])
        for name, node in root_schema.get("properties", {}).items():
            settings = node.get("properties")
            if settings is None:
                if node.get("type") != "object":
                    properties[name.upper()] = _property(node, "", {})
                    if name in needed:
                        required.append(name.upper())
                continue
            # A section that may be left out requires nothing.
            may_be_absent = node.get("deprecated") or (
                "default" in node and node["default"] is None
            )
            for key, setting in settings.items():
                variable = f"{name}_{key}".upper()
                properties[variable] = _property(setting, name, node, key)
                if key in node.get("required", ()) and not may_be_absent:
                    required.append(variable)
        return {
            "$schema": root_schema["$schema"],
            "$id": root_schema["$id"],
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": root_schema.get("additionalProperties", True),
        }

    @staticmethod
    def filter_schema(schema: dict[str, Any]) -> dict[str, Any]:
        """Leave out `CONNECTOR_ID`, which whoever deploys the connector chooses, not who configures it."""
        properties = schema.get("properties", {})
        return {
            **schema,
            "properties": {
                name: node
                for name, node in properties.items()
                if name != "CONNECTOR_ID"
            },
            "required": [
                name for name in schema.get("required", []) if name != "CONNECTOR_ID"
            ],
        }


def _property(
    setting: Mapping[str, Any], section: str, owner: Mapping[str, Any], key: str = ""
) -> dict[str, Any]:
    """Describe one environment variable.

    Args:
        setting: Schema of the setting.
        section: Name of its section, empty outside all sections.
        owner: Schema of the section.
        key: Name of the setting in the section.
    """
    result = {
        name: value
        for name, value in setting.items()
        if name != "title" and name not in _MIGRATION_KEYS
    }
    if not (setting.get("deprecated") or owner.get("deprecated")):
        return dict(sorted(result.items()))
    result["deprecated"] = True
    if "default" in result and result["default"] is None:
        del result["default"]
    # What the setting's own declaration says goes before what its section says.
    namespace = setting.get("new_namespace") or owner.get("new_namespace")
    name = setting.get("new_namespaced_var")
    date = setting.get("removal_date") or owner.get("removal_date")
    message = setting.get("deprecation_message") or owner.get("deprecation_message")
    target = ""
    if name or namespace:
        target = f"{namespace or section}_{name or key}".upper()
    hint = f"Use {target} instead." if target else ""
    if message and target and target in message:
        hint = ""
    if message and not message.endswith((".", "!", "?")):
        message += "."
    words = [message, hint, f"(removal scheduled for {date})" if date else ""]
    if not target:
        words.insert(0, setting.get("description"))
    if target or message or date:
        result["description"] = " ".join(word for word in words if word)
    return dict(sorted(result.items()))
