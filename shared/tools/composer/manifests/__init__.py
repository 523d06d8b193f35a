"""Manifests: what a connector is, for people who choose one and for the platform that offers it."""
