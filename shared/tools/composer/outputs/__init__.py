"""The places that say what can be configured, each written from what the settings class declares.

Every module has a function that takes the settings (and, where only a part of a file is generated, the file as it is) and
returns the text that the file should have.
"""
