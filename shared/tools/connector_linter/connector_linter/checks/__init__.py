"""The checks, one module for each subject. A check is found by being here."""
