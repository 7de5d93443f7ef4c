#!/usr/bin/env bash
# failure.sh SOURCE BUILD: programs that fail, or are not there, are named, on the page too.
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SLUICE_BENCH_BUILD=$scratch/build SLUICE_PEERS=/nonexistent
mkdir -p "$SLUICE_BENCH_BUILD/benchmarks"
ln -s "$build/benchmarks/summary" "$SLUICE_BENCH_BUILD/benchmarks/summary"
printf '#!/bin/sh\necho "it is broken" >&2\nexit 7\n' >"$SLUICE_BENCH_BUILD/benchmarks/plan"
chmod +x "$SLUICE_BENCH_BUILD/benchmarks/plan"

status=0
"$source/benchmarks/run.sh" --smoke --results "$scratch" plan resume >"$scratch/out" 2>"$scratch/err" || status=$?
[ "$status" -eq 1 ] || { cat "$scratch/err" && echo "exit code $status, not 1" && exit 1; }
for text in "it is broken" "run.sh: failed (7): timeout 300 $SLUICE_BENCH_BUILD/benchmarks/plan" \
  "run.sh: failed (127): timeout 300 $SLUICE_BENCH_BUILD/benchmarks/resume"; do
  grep -qF "$text" "$scratch/err" || { cat "$scratch/err" && echo "no '$text'" && exit 1; }
done
grep -qx -- "- failed with exit code 7: plan/1/plan " "$scratch"/*.md
grep -q -- "- failed with exit code 127: resume/1/resume " "$scratch"/*.md
if compgen -G "$SLUICE_BENCH_BUILD/benchmark-*" >/dev/null; then echo "a scratch folder is left" && exit 1; fi
