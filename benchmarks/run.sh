#!/usr/bin/env bash
# Builds the release preset, runs the benchmarks, and prints one table of what was measured beside
# its target. The results go to benchmarks/results/, one JSON object a line.
#   benchmarks/run.sh [--quick] [NAME…]    NAME: speed startup idle memory batch fairness plan journal shards s3 process observe
# Exits with 1 if a target is missed. SLUICE_BENCH_BUILD names another build folder, used as it is.
# shellcheck disable=SC2317  # functions called by the names on the command line
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "$0"
}

quick=
names=()
for argument in "$@"; do
  case $argument in
    --quick) quick=yes ;;
    speed | startup | idle | memory | batch | fairness | plan | journal | shards | s3 | process | observe) names+=("$argument") ;;
    -h | --help) usage && exit 0 ;;
    *) echo "run.sh: no benchmark '$argument'; see run.sh --help" >&2 && exit 2 ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(speed startup idle memory batch fairness plan journal shards s3 process observe)

build=${SLUICE_BENCH_BUILD:-}
if [ -z "$build" ]; then
  build=build
  ./cmake/install-packages.sh build tests
  ./cmake/install-test-tools.sh
  cmake --preset release >/dev/null
  cmake --build --preset release
fi
programs=$build/benchmarks

# As for the tests (cmake/SluiceTest.cmake): more ranks than cores, none bound to one.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1

mkdir -p benchmarks/results
results=benchmarks/results/$(date -u +%Y%m%dT%H%M%SZ).jsonl

running=
stop() {
  trap - INT TERM EXIT
  if [ -n "$running" ]; then
    kill -TERM "$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
  fi
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM
trap 'stop $?' EXIT

# run COMMAND…: its standard output is appended to the results. In the background, so that a signal
# reaches this script at once.
run() {
  "$@" >>"$results" &
  running=$!
  if ! wait "$running"; then
    running=
    echo "run.sh: failed: $*" >&2
    return 1
  fi
  running=
}

# on RANKS PROGRAM ARGUMENT…
on() {
  local ranks=$1 program=$2
  shift 2
  export SLUICE_LAUNCHED_AT=$EPOCHREALTIME
  run mpirun --timeout 300 -n "$ranks" "$programs/$program" --json "$@"
}

# bare PROGRAM ARGUMENT…
bare() {
  local program=$1
  shift
  run timeout 300 "$programs/$program" --json "$@"
}

either() { if [ "$quick" ]; then echo "$1"; else echo "$2"; fi; }

describe_machine() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  git diff --quiet HEAD 2>/dev/null || commit+="+changes"
  printf '{"date": "%s", "commit": "%s", "quick": %s, "cpu": "%s", "cores": %d, "memory_kib": %d, ' \
    "$(date -u +%FT%TZ)" "$commit" "$(either true false)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/^MemTotal/ {print $2}' /proc/meminfo)"
  printf '"kernel": "%s", "mpi": "%s", "compiler": "%s", "load_before": "%s"}\n' \
    "$(uname -r)" "$(mpirun --version | head -n 1)" "$(c++ --version | head -n 1)" \
    "$(cut -d ' ' -f 1 /proc/loadavg)"
}

# The engine and its yardstick take turns, so that what else the machine does meets both.
speed() {
  local i
  for ((i = 0; i < $(either 3 7); ++i)); do
    on 4 raw_chain --case large --records "$(either 2000 5000)"
    on 4 null_pipeline --case large --records "$(either 5000 20000)"
    on 4 null_pipeline --case copied --records "$(either 2000 5000)"
    on 4 raw_chain --case small --records "$(either 2000000 5000000)"
    on 4 null_pipeline --case small --records "$(either 300000 1000000)"
    on 4 null_pipeline --case single --records "$(either 10000 40000)"
  done
}

startup() {
  local i
  for ((i = 0; i < $(either 5 15); ++i)); do
    on 8 mpi_hello
    on 8 startup
  done
}

idle() { on 8 idle --sleep "$(either 5 10)" --wakeups "$(either 300 2000)"; }

memory() {
  on 13 memory --records "$(either 500 2000)"
  bare memory --records "$(either 500 2000)"
}

# Through the file system: 8 GiB in records of 1 MiB, and a million small records.
batch() {
  on 4 batch_memory --records "$(either 1024 8192)" --run-dir "$build/batch-memory"
  on 4 batch_memory --records "$(either 100000 1000000)" --bytes 100 --run-dir "$build/batch-memory"
}

fairness() {
  local i
  for ((i = 0; i < $(either 1 3); ++i)); do
    on 9 fairness --seconds "$(either 6 15)"
    bare fairness --seconds "$(either 6 15)"
  done
}

plan() { bare plan; }

# The same run with and without, by turns.
journal() {
  on 4 journal --records "$(either 200000 1000000)" --rounds "$(either 3 5)" \
    --run-dir "$build/journal-benchmark"
}

shards() { bare shards --rounds "$(either 9 25)"; }

s3() { bare s3 --rounds "$(either 7 15)"; }

# The other end is a small program, and then a Python stage, where NumPy is at hand (SLUICE_PYTHON).
process() {
  local python=() interpreter=${SLUICE_PYTHON:-python3}
  if PYTHONPATH=python "$interpreter" -c 'import sluice' 2>/dev/null; then
    export PYTHONPATH=$PWD/python
    python=(--python "$interpreter" --python benchmarks/null_stage.py)
  fi
  mkdir -p "$build/process-benchmark"
  bare process --rounds "$(either 1000 4000)" --run-dir "$build/process-benchmark" "${python[@]}"
}

# The same run with and without, by turns.
observe() {
  on 4 observe --records "$(either 1000000 3000000)" --rounds "$(either 5 9)" \
    --run-dir "$build/observe-benchmark"
  on 4 observe --records 50000 --batch 1 --rounds "$(either 5 9)" \
    --run-dir "$build/observe-benchmark"
}

describe_machine >"$results"
for name in "${names[@]}"; do
  [ ! -t 2 ] || echo "$name …" >&2
  "$name"
done
status=0
"$programs/summary" <"$results" || status=$?
echo "results: $results"
exit "$status"
