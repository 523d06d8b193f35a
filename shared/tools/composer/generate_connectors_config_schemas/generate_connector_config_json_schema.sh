#!/bin/sh
# Writes what a connector's settings class says: asks which connector, or takes its folder. See ../README.md
exec "$(dirname "$0")/../run.sh" schemas "$@"
