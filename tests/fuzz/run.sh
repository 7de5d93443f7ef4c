#!/usr/bin/env bash
# tests/fuzz/run.sh SECONDS [NAME…]: lets the fuzzers (all of them, or those named) look for so long
# each, one a core at a time. What they find new goes into build-fuzz/corpus; a finding, into
# build-fuzz/findings, is an error, and its log is shown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:?"tests/fuzz/run.sh SECONDS [NAME…]"}
shift
names=("$@")
if ((${#names[@]} == 0)); then
  for source in tests/fuzz/*_fuzz.cpp; do
    name=${source##*/}
    names+=("${name%_fuzz.cpp}")
  done
fi

look() {
  local seconds=$1 name=$2 log=build-fuzz/$2.log kept=tests/fuzz/corpus/$2
  mkdir -p "build-fuzz/corpus/$name"
  if ! "build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build-fuzz/findings/$name-" \
    "build-fuzz/corpus/$name" "$kept" >"$log" 2>&1; then
    tail -n 60 "$log"
    echo "fuzz_$name has found something: build-fuzz/findings/$name-*" >&2
    return 1
  fi
  printf '%s: %s inputs, %s kept\n' "$name" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(find "build-fuzz/corpus/$name" "$kept" -type f | wc -l)"
}
export -f look

# Over damaged files HDF5 leaks, too.
export LSAN_OPTIONS=suppressions=$PWD/cmake/leaks.supp:print_suppressions=0
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_seeds "${names[@]/#/fuzz_}"
build-fuzz/tests/fuzz/fuzz_seeds build-fuzz/corpus
mkdir -p build-fuzz/findings
printf '%s\n' "${names[@]}" |
  xargs -n 1 -P "$(nproc)" bash -c 'set -euo pipefail; look "$@"' look "$seconds"
