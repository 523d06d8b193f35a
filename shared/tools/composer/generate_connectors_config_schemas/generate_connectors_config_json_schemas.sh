#!/bin/sh
# The same for all connectors of this repository. See ../README.md
exec "$(dirname "$0")/../run.sh" schemas --all "$@"
