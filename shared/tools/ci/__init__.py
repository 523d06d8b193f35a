"""What guards main: which projects a change touches, their checks and tests, images and releases."""
