"""Draft workspaces: what is written there is seen there, and nowhere else until it is approved."""
