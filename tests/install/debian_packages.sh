#!/usr/bin/env bash
# debian_packages.sh BUILD FOLDER VERSION PYTHON: makes the packages in FOLDER, unpacks them and runs what
# is in them.
set -euo pipefail

build=$1 folder=$2 version=$3 python=$4
command -v dpkg-shlibdeps >/dev/null || { echo "dpkg-dev is missing" >&2 && exit 77; }
rm -rf "$folder"
mkdir -p "$folder"
(cd "$build" && cpack -G DEB -B "$folder" >"$folder/cpack.log" 2>&1) ||
  { cat "$folder/cpack.log" >&2 && exit 1; }
for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder/tree"; done
said=$("$folder/tree/usr/bin/sluice" --version)
[ "$said" = "sluice $version" ] || { echo "not version $version: $said" >&2 && exit 1; }
depends=$(dpkg-deb -f "$folder"/sluice_*.deb Depends)
for needed in openmpi-bin libopenmpi3 libhdf5-103 libcurl4; do
  [[ $depends == *$needed* ]] || { echo "sluice does not depend on $needed: $depends" >&2 && exit 1; }
done
plugin=$folder/tree/usr/lib/sluice/libsluice_tesseract.so
if [ -e "$plugin" ]; then
  # Not `| grep -q`: it goes at the first match, and the pipe that breaks then fails the test.
  stages=$("$folder/tree/usr/bin/sluice" stages --plugin "$plugin")
  [[ $stages == *tesseract.ocr* ]] || { echo "the plugin offers no tesseract.ocr: $stages" >&2 && exit 1; }
fi
for file in include/sluice/sluice.hpp share/man/man1/sluice.1.gz share/man/man1/sluice-run.1.gz \
  share/bash-completion/completions/sluice share/zsh/vendor-completions/_sluice \
  share/fish/vendor_completions.d/sluice.fish; do
  [ -s "$folder/tree/usr/$file" ] || { echo "$file is missing" >&2 && exit 1; }
done
# For any architecture, and whole: all modules can be had from there alone.
depends=$(dpkg-deb -f "$folder/python3-sluice_${version}_all.deb" Depends)
[[ $depends == *python3-numpy* ]] || { echo "python3-sluice depends on: $depends" >&2 && exit 1; }
packages=$folder/tree/usr/lib/python3/dist-packages
[ -e "$packages/sluice/py.typed" ] || { echo "the Python package has no types" >&2 && exit 1; }
"$python" -c 'import numpy' || { echo "$python has no NumPy" >&2 && exit 77; }
cd "$folder"
PYTHONPATH=$packages "$python" -B - "$packages" <<'EOF'
import importlib, pathlib, sys
folder = pathlib.Path(sys.argv[1], "sluice")
for module in folder.glob("[a-z]*.py"):
    found = importlib.import_module(f"sluice.{module.stem}")
    assert pathlib.Path(found.__file__) == module, found.__file__
from sluice import Stage, run
EOF
