#!/usr/bin/env bash
# One job in virtual time on more and more workers, as JSON lines for run.sh: three stages that take
# 10, 40 and 10 ms a record.
#   benchmarks/simulated_scaling.sh BUILD INPUTS-PER-WORKER WORKERS…
set -euo pipefail
sluice=$1/sluice inputs=$2
shift 2

# run.sh removes its folder even where this is ended before it can.
scratch=$(mktemp -d ${SLUICE_BENCH_SCRATCH:+-p "$SLUICE_BENCH_SCRATCH"})
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/job.toml" <<'TOML'
[pipeline]
name = "scaling"
[input]
keys = ["one"]
[[stage]]
use = "synthetic"
speed = 100
settings = { service = "fixed", mean = "10ms", seed = 1 }
[[stage]]
use = "synthetic"
speed = 25
settings = { service = "fixed", mean = "40ms", seed = 2 }
[[stage]]
use = "synthetic"
speed = 100
settings = { service = "fixed", mean = "10ms", seed = 3 }
TOML
for workers in "$@"; do
  "$sluice" simulate "$scratch/job.toml" --workers "$workers" --inputs $((workers * inputs)) --json \
    2>/dev/null >"$scratch/simulated.json"
  python3 - "$scratch/simulated.json" "$workers" "$inputs" <<'PYTHON'
import json
import sys
seconds = json.load(open(sys.argv[1]))["seconds"]
workers, inputs = int(sys.argv[2]), int(sys.argv[3])
print(json.dumps({"what": f"simulated, {workers} workers, share of the ideal time",
                  "value": inputs * 0.06 / seconds, "unit": "of 1"}))
PYTHON
done
