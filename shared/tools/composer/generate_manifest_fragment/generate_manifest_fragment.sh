#!/bin/sh
# Writes the manifest of one release of a connector. See ../README.md
exec "$(dirname "$0")/../run.sh" fragment "$@"
