"""An object known by its id alone."""

from pydantic import BaseModel


class Reference(BaseModel):
    """Stands for an object that is on the platform already, wherever a model is asked for. It is never sent.

    Attributes:
        id: STIX id of the object.
    """

    id: str
