"""`python -m opencti_testbed` is the same as the command `testbed`."""

from opencti_testbed.cli import main

if __name__ == "__main__":
    main()
