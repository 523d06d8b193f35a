"""`testbed run`: a connector as its own process against the embedded platform, watched."""
