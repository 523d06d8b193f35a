#!/bin/sh
# Runs one of the repository's tools: run.sh COMMAND [ARGUMENT ...]
# With the environment of `make setup`, which is made if it is not there, or with the interpreter that PYTHON names.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
if [ -z "${PYTHON:-}" ]; then
  PYTHON=$root/.venv/bin/python
  [ -x "$PYTHON" ] || make -s -C "$root" setup
fi
exec "$PYTHON" "$root/shared/tools" "$@"
