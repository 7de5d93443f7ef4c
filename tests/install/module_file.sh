#!/usr/bin/env bash
# module_file.sh PREFIX VERSION: what `module load sluice` makes of the environment.
set -euo pipefail

prefix=$(realpath "$1") version=$2
if ! command -v modulecmd.tcl >/dev/null && [ ! -e /usr/lib/x86_64-linux-gnu/modulecmd.tcl ]; then
  echo "environment-modules is missing (cmake/install-packages.sh tests)" >&2
  exit 77
fi
modulecmd=$(command -v modulecmd.tcl || echo /usr/lib/x86_64-linux-gnu/modulecmd.tcl)
# shellcheck disable=SC2016  # for the inner shell
loaded=$(env -i PATH=/usr/bin:/bin MODULEPATH="$prefix/share/modulefiles" bash -c '
  eval "$("$0" bash load sluice)"
  echo "$SLUICE_PREFIX $(command -v sluice) $(sluice --version) $MANPATH"' "$modulecmd")
[ "$loaded" = "$prefix $prefix/bin/sluice sluice $version $prefix/share/man:" ] || {
  echo "module load sluice gave: $loaded" >&2
  exit 1
}
