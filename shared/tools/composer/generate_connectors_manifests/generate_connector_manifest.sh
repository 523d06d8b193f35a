#!/bin/sh
# Writes and checks a connector's manifest: asks which connector, or takes its folder. See ../README.md
exec "$(dirname "$0")/../run.sh" manifests "$@"
