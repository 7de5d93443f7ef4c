#!/usr/bin/env bash
# complete.sh SOURCE BUILD: every suite runs, and its JSON says all that anyone needs to repeat it.
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SLUICE_BENCH_BUILD=$build

suites=(transport channel pipeline scaling recovery autoscale process)
if [ -x "${SLUICE_WEED:-}" ]; then suites+=(store); else suites+=(shards batch); fi
"$source/benchmarks/run.sh" --smoke --results "$scratch" "${suites[@]}" >"$scratch/out"
python3 "$source/tests/benchmarks/check_results.py" "$scratch"/*.jsonl "${suites[@]}"
for suite in "${suites[@]}"; do grep -qx "## $suite" "$scratch"/*.md; done
# The peers' common part needs no more than Python.
python3 -m compileall -q "$source/benchmarks/peers" "$source/benchmarks/plots.py"
python3 "$source/benchmarks/peers/process_pools.py" --records 40 --work sleep:0.001 --hops |
  python3 -c 'import json, sys; assert sum(json.loads(line)["value"] > 0 for line in sys.stdin) == 4'
