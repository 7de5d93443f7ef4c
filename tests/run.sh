#!/usr/bin/env bash
# The test command: from a bare Debian 12 to ctest's verdict.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
tests/run.sh [OPTIONS] [CTEST OPTIONS]

Installs the Debian packages and test tools that are missing, builds sluice with warnings as errors, and runs all
routine tests, MPI tests among them. Anything else on the command line goes to ctest: -R REGEX picks
tests by name, -L LABEL by label (a layer's name, mpi, s3, slurm, api, layering, install).

  --sanitizers   instead build the tests that run in one process twice, with the address and
                 undefined-behaviour sanitizers (and the leak check) and with the thread sanitizer,
                 and run them
  --soak         instead run the slow soak tests only
  --no-install   leave the packages alone
  --no-skips     fail if a test was skipped, unless it is one of those for a GPU
  --jobs N       build and test with N processes (default: one a core)
  -h, --help     this text
TEXT
}

# Nobody looks at what a machine that should have all silently leaves out.
refuse_skips() {
  local skipped
  skipped=$(sed -n 's/.*<testcase name="\([^"]*\)".*status="notrun".*/\1/p' "$1" |
    grep -vxE 'gpu\.(device|embed_images)' || true)
  [[ -n $skipped ]] || return 0
  printf 'tests/run.sh: these tests were skipped:\n%s\n' "$skipped" >&2
  return 1
}

builds=(dev)
soak=no
skips=yes
install=yes
jobs=$(nproc)
ctest_options=()
while (($# > 0)); do
  case $1 in
    --sanitizers) builds=(asan tsan) ;;
    --soak) soak=yes ;;
    --no-install) install=no ;;
    --no-skips) skips=no ;;
    --jobs) jobs=${2:?"--jobs needs a number"}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) ctest_options+=("$1") ;;
  esac
  shift
done

if [[ $install == yes ]]; then
  cmake/install-packages.sh
  # Without PyPI the tests that need these are skipped, and say so.
  cmake/install-test-tools.sh || echo "tests/run.sh: no test tools from PyPI; going on without" >&2
fi
for build in "${builds[@]}"; do
  cmake --preset "$build"
  cmake --build --preset "$build" --parallel "$jobs"
  tests=$build
  [[ $soak == no ]] || tests=soak
  results=$PWD/build-$build/results.xml
  ctest --preset "$tests" --parallel "$jobs" --output-junit "$results" "${ctest_options[@]}"
  [[ $skips == yes ]] || refuse_skips "$results"
done
