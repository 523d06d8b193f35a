"""From an accepted bundle to stored objects: ordered, resolved, merged, counted."""
