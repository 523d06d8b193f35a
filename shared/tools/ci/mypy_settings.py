"""A plugin for mypy: pydantic's own, which knows besides that sections of a connector's settings need no arguments.

`Field(default_factory=FeedConfig)` is how connectors say that a section comes from the environment. What is required in it and
missing there is told when the settings are read, as with pydantic's `BaseSettings`; to mypy these are optional arguments.
"""

from collections.abc import Callable
from functools import partial

from mypy.nodes import ARG_NAMED, ARG_NAMED_OPT, FuncDef
from mypy.plugin import ClassDefContext, Plugin
from mypy.types import CallableType
from pydantic.mypy import PydanticPlugin

SECTION = "connectors_sdk.settings.base_settings.BaseConfigModel"
# Where the SDK itself does so, it says why.
SDK = "connectors_sdk."


class SettingsPlugin(PydanticPlugin):
    """See the module's description."""

    def get_base_class_hook(
        self, fullname: str
    ) -> Callable[[ClassDefContext], None] | None:
        """Return what is done with a class that derives from another one."""
        hook = super().get_base_class_hook(fullname)
        return partial(_make_class, hook) if hook else None


def _make_class(
    of_pydantic: Callable[[ClassDefContext], None], context: ClassDefContext
) -> None:
    of_pydantic(context)
    info = context.cls.info
    made = info.names.get("__init__")
    if made is None or not made.plugin_generated or not info.has_base(SECTION):
        return
    if isinstance(made.node, FuncDef) and not info.module_name.startswith(SDK):
        make_optional(made.node)


def make_optional(function: FuncDef) -> None:
    """Make all keyword arguments of a function optional."""
    for argument in function.arguments:
        if argument.kind is ARG_NAMED:
            argument.kind = ARG_NAMED_OPT
    function.arg_kinds = [argument.kind for argument in function.arguments]
    if isinstance(function.type, CallableType):
        function.type = function.type.copy_modified(arg_kinds=function.arg_kinds)


def plugin(version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this with its own version."""
    del version
    return SettingsPlugin
