#!/bin/sh
# Writes manifest.json, the list of all connectors. See ../README.md
exec "$(dirname "$0")/../run.sh" catalogue "$@"
