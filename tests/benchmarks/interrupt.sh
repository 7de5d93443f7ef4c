#!/usr/bin/env bash
# interrupt.sh SOURCE BUILD: a run that is told to stop leaves no process, no folder and no half line,
# and a resumed one does what is missing, and only that.
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
run=
trap '[ -z "$run" ] || kill "$run" 2>/dev/null || true; rm -rf "$scratch"' EXIT
export SLUICE_BENCH_BUILD=$build

# await SECONDS COMMAND…
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { echo "waited in vain for: $*" && exit 1; }
    sleep 0.1
  done
}
# Processes come and go meanwhile, so grep cannot read all.
marked() { { grep -lz "^SLUICE_BENCH_RUN=$run-" /proc/[0-9]*/environ 2>/dev/null || true; } | grep -q .; }
steps() { cat "$scratch"/*.jsonl 2>/dev/null | grep -c '^{"step"' || true; }
has_steps() { [ "$(steps)" -ge "$1" ]; }
ranks_run() { pgrep -f "$build/benchmarks/pipeline --json --title strong" >/dev/null; }

"$source/benchmarks/run.sh" --smoke --results "$scratch" ranks >/dev/null 2>&1 &
run=$!
await 60 has_steps 2
await 60 ranks_run
marked || { echo "a step does not bear the run's mark" && exit 1; }
kill -TERM "$run"
status=0
wait "$run" || status=$?
[ "$status" -eq 143 ] || { echo "exit code $status, not 143" && exit 1; }
if marked; then echo "processes are left" && exit 1; fi
stopped=$run run=
if compgen -G "$build/benchmark-$stopped-*" >/dev/null; then echo "a scratch folder is left" && exit 1; fi
results=$(echo "$scratch"/*.jsonl)
python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$results"

# As if it had been killed while it wrote.
printf '{"suite": "ranks", "round": 1, "what": "unfinished", "value": 1, "unit": "s"}\n{"suite": "ra' >>"$results"

before=$(steps)
[ "$before" -lt 10 ] || { echo "it was not interrupted" && exit 1; }
"$source/benchmarks/run.sh" --smoke --resume "$results" ranks >"$scratch/out"
[ "$(steps)" -eq 10 ] || { echo "$(steps) steps are done, not 10" && exit 1; }
[ -z "$(grep '^{"step"' "$results" | cut -d, -f1,2 | sort | uniq -d)" ] || { echo "done twice" && exit 1; }
grep -q "weak scaling, 16 workers" "$scratch/out"
if grep -q "unfinished" "$scratch/out"; then echo "what did not end counts" && exit 1; fi
