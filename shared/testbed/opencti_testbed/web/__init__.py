"""The platform's web page: rendered on the server, readable without JavaScript."""

from opencti_testbed.web.pages import routes

__all__ = ["routes"]
