#!/usr/bin/env bash
# tests/fuzz/run.sh SECONDS [NAME…]: lets the fuzzers (all of them, or those named) look for so long
# each, one after the other. What they find new goes into build-fuzz/corpus; a finding, into
# build-fuzz/findings, ends the search.
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

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_seeds "${names[@]/#/fuzz_}"
build-fuzz/tests/fuzz/fuzz_seeds build-fuzz/corpus
mkdir -p build-fuzz/findings
for name in "${names[@]}"; do
  mkdir -p "build-fuzz/corpus/$name"
  kept=
  [ ! -d "tests/fuzz/corpus/$name" ] || kept=tests/fuzz/corpus/$name
  echo "== $name, $seconds s"
  "build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="build-fuzz/findings/$name-" \
    "build-fuzz/corpus/$name" ${kept:+"$kept"}
done
