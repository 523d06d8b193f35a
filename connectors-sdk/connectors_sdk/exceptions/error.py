"""Errors that a connector raises about its own work."""


class DataRetrievalError(Exception):
    """The source's data could not be fetched."""


class UseCaseError(Exception):
    """The fetched data could not be turned into what the platform should hold."""
