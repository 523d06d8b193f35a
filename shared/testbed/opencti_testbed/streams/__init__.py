"""Live streams: every change of the platform's knowledge as server-sent events, resumable at any of them."""
