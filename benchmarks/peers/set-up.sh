#!/usr/bin/env bash
# Makes the virtual environment in which the peers run, beside GNU parallel and what matplotlib needs
# to draw. Prints where it is. Nothing else in sluice needs it.
set -euo pipefail

venv=${SLUICE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/peers}
packages=('ray[data]==2.60.0' cosmos-xenna==0.3.0 tqdm==4.70.1 mpi4py==4.1.2 numpy==2.4.6 matplotlib==3.11.1)

"$(dirname "$0")/../../cmake/install-packages.sh" peers >&2
wanted="${packages[*]}"
if [ "$(cat "$venv/installed" 2>/dev/null || true)" != "$wanted" ]; then
  echo "installing from PyPI into $venv: $wanted" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" >&2
  echo "$wanted" >"$venv/installed"
fi
echo "$venv"
