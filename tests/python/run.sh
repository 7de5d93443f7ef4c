#!/usr/bin/env bash
# Runs Python where the package's tests are, or says that NumPy is missing (77: skipped).
# usage: run.sh PYTHON ARGUMENTS…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../python/tests"

python=$1
shift
if ! "$python" -c 'import numpy'; then
  echo "skipped: $python has no NumPy; cmake/install-test-tools.sh installs one that has"
  exit 77
fi
exec env PYTHONDONTWRITEBYTECODE=1 "$python" "$@"
