"""Typed configuration: environment, `.env` and `config.yml` become one validated object.

The public names are offered by `connectors_sdk` itself.
"""
