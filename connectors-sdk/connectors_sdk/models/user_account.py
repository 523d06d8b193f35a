"""An account of a user."""

from datetime import datetime
from typing import ClassVar

from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.enums import AccountType


class UserAccount(BaseObservableEntity):
    """An account of a user (STIX `user-account`).

    Attributes:
        user_id: its id in the system.
        credential: its secret in clear text.
        account_login: the name to log in with.
        account_type: kind of account.
        display_name: the name that is shown.
        is_service_account: true if a service uses it.
        is_privileged: true if it has privileges.
        can_escalate_privs: true if it can get more.
        is_disabled: true if it is disabled.
        account_created: when it was created; UTC where no timezone is given.
        account_expires: when it expires.
        credential_last_changed: when its secret was changed last.
        account_first_login: when it was used first.
        account_last_login: when it was used last.
    """

    _stix_type: ClassVar[str] = "user-account"
    _stix2_class: ClassVar[str] = "UserAccount"
    _opencti_type: ClassVar[str] = "User-Account"
    _id_fields: ClassVar[tuple[str, ...]] = ("account_type", "user_id", "account_login")

    user_id: str | None = None
    credential: str | None = None
    account_login: str | None = None
    account_type: AccountType | None = None
    display_name: str | None = None
    is_service_account: bool | None = None
    is_privileged: bool | None = None
    can_escalate_privs: bool | None = None
    is_disabled: bool | None = None
    account_created: datetime | None = None
    account_expires: datetime | None = None
    credential_last_changed: datetime | None = None
    account_first_login: datetime | None = None
    account_last_login: datetime | None = None
