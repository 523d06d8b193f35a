"""An organization as an author."""

from connectors_sdk.models.base_author_entity import BaseAuthorEntity
from connectors_sdk.models.organization import Organization


class OrganizationAuthor(BaseAuthorEntity, Organization):
    """An organization that may stand in `author`; the same identity as the `Organization` of its name."""
