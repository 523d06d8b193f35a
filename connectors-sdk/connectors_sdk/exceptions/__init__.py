"""Errors and warnings of connectors."""
