"""Faults on demand: what can go wrong with a platform, ordered by a test instead of played by a mock."""
