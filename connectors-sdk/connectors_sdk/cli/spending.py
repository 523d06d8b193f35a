"""What a rehearsal has spent: the source counts its calls like any others."""

from typing import Any

from connectors_sdk.cli.output import complain
from connectors_sdk.cli.platform import PlatformApi, parse_state
from connectors_sdk.client.calls import CALLS
from connectors_sdk.connectors.credits import DailyCredits
from connectors_sdk.connectors.external_import.external_import_connector import CREDITS


def credits_of(connector: Any) -> DailyCredits | None:
    """Return the connector's budget of calls, if it has one in its state."""
    budget = getattr(connector, "credits", None)
    return budget if isinstance(budget, DailyCredits) else None


def tell_calls(connector: Any, fate: str) -> int:
    """Say how many calls to the source were made, and what became of them; return how many.

    Args:
        connector: which connector made them.
        fate: what became of those that count against a budget.
    """
    budget = credits_of(connector)
    calls = max(CALLS.made, budget.spent if budget else 0)
    if budget is not None and budget.spent:
        complain(
            f"{calls} calls to the source; {budget.spent} of the {budget.limit} a day (CONNECTOR_DAILY_CREDITS), {fate}."
        )
    elif calls:
        complain(f"{calls} calls to the source.")
    return calls


def remember(connector: Any, api: PlatformApi) -> str:
    """Let the state on the platform know what was spent; return what became of that, in words.

    Raises:
        PlatformError: the platform does not answer.
    """
    budget = credits_of(connector)
    if budget is None or not budget.spent:
        return "nothing"
    text, active = api.state_and_activity()
    if text is None:
        return "not remembered: the platform does not know the connector yet"
    state = parse_state(text)
    state[CREDITS] = budget.add_to(state.get(CREDITS))
    if active:
        return (
            "not remembered: the connector seems to run, and writes its own state. If it does not: "
            f"python main.py state set --force {CREDITS}.day={state[CREDITS]['day']} "
            f"{CREDITS}.used={state[CREDITS]['used']}"
        )
    api.save_state(state)
    return "remembered in the connector's state"
