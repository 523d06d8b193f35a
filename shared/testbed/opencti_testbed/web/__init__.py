"""The platform's web page: rendered on the server, readable without JavaScript."""

from opencti_testbed.web.pages import routes
from opencti_testbed.web.visitors import Visitors

__all__ = ["Visitors", "routes"]
