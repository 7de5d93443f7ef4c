#!/usr/bin/env bash
# Makes a wheel of the package, installs it with pip, offline, and imports it from there.
# usage: install.sh PYTHON
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$1

if ! "$python" -c 'import setuptools, pip, numpy'; then
  echo "skipped: $python lacks numpy, pip or setuptools"
  exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-python.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$here/../../python" "$work/source"  # pip builds in the source's folder
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }
pip wheel --no-index --no-deps --no-build-isolation --wheel-dir "$work/wheels" "$work/source"
pip install --no-index --no-deps --target "$work/installed" "$work"/wheels/sluice-*-py3-none-any.whl
cd "$work"
for what in 'sluice.Record("a", {"x": 1})["x"] == 1' \
  '__import__("os").path.dirname(sluice.__file__) == "'"$work"'/installed/sluice"'; do
  PYTHONPATH=$work/installed "$python" -c "import sluice; assert $what"
done
