"""Typed state: what a connector remembers from one run to the next."""
