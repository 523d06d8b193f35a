"""What can go wrong when objects are made into bundles."""

from collections.abc import Sequence


class BundleError(ValueError):
    """An object cannot be put into a bundle."""


class DanglingReferenceError(BundleError):
    """An object refers to an id that neither the feed nor `resolve` supplies.

    Attributes:
        object_id: STIX id of the object that holds the reference.
        missing_ids: the ids that nobody supplies, in the order in which the object names them.
    """

    def __init__(self, object_id: str, missing_ids: Sequence[str]) -> None:
        self.object_id = object_id
        self.missing_ids = tuple(missing_ids)
        shown = ", ".join(self.missing_ids[:5])
        if len(self.missing_ids) > 5:
            shown += f" and {len(self.missing_ids) - 5} more"
        super().__init__(f"{object_id} refers to {shown}, which nobody supplies")


class OversizedBundleWarning(UserWarning):
    """One object and all it needs are bigger than the bounds, so the piece that holds them is too."""
