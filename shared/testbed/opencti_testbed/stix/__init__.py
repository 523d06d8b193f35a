"""What the platform knows about STIX: types, ids, readable names. Pure functions over dictionaries."""
