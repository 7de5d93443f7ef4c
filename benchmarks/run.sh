#!/usr/bin/env bash
# Builds the release preset, runs the benchmarks, and prints one table of what was measured beside
# its target. Results go to benchmarks/results/: one JSON object a line, and a page with plots.
#   benchmarks/run.sh [--quick | --smoke] [--peers] [--resume FILE] [--results DIR] [NAME…]
# NAME is a suite (transport channel pipeline scaling store recovery autoscale process, or peers) or a
# part of one (--list). --peers adds what sluice is compared with, in an environment that it sets up.
# --resume FILE goes on with a run that was broken off, on the same commit and machine. --smoke only sees
# whether everything runs.
# Exits with 1 if a target is missed. SLUICE_BENCH_BUILD names another build folder, used as it is.
# shellcheck disable=SC2317  # functions that suites.sh calls
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=benchmarks/suites.sh
. benchmarks/suites.sh

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0"
}

list() {
  local name
  for name in "${suite_order[@]}" peers; do echo "$name: ${suites[$name]}"; done
}

refuse() {
  echo "run.sh: $*; see run.sh --help" >&2
  exit 2
}

size=full resumed='' peers='' results_dir=benchmarks/results
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick | --smoke) size=${1#--} ;;
    --peers) peers=yes ;;
    --resume | --results)
      [ $# -gt 1 ] || refuse "$1 needs a value"
      if [ "$1" = --resume ]; then resumed=$2; else results_dir=$2; fi
      shift
      ;;
    --list) list && exit 0 ;;
    -h | --help) usage && exit 0 ;;
    *)
      is_name "$1" || refuse "no benchmark '$1'"
      names+=("$1")
      ;;
  esac
  shift
done
[ ${#names[@]} -gt 0 ] || names=("${suite_order[@]}")
[ -z "$peers" ] || names+=(peers)

pick() {
  case $size in smoke) echo "$1" ;; quick) echo "$2" ;; full) echo "$3" ;; esac
}

commit() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  git diff --quiet HEAD 2>/dev/null || commit+="+changes"
  echo "$commit"
}

machine() {
  printf '"cpu": "%s", "cores": %d, "memory_kib": %d, "kernel": "%s", "mpi": "%s", "compiler": "%s"' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/^MemTotal/ {print $2}' /proc/meminfo)" "$(uname -r)" \
    "$(mpirun --version | head -n 1)" "$(c++ --version | head -n 1)"
}

# What is compared must come from one program on one machine.
check_resumed() {
  [ -f "$resumed" ] || refuse "no file '$resumed'"
  grep -q "\"size\": \"$size\"" "$resumed" || refuse "'$resumed' is of another size than $size"
  grep -qF "\"commit\": \"$(commit)\"" "$resumed" || refuse "'$resumed' is of another commit"
  grep -qF "$(machine)" "$resumed" || refuse "'$resumed' is of another machine, or other versions"
}
[ -z "$resumed" ] || check_resumed

# mend FILE: takes away half a line, and what was measured by a step that did not end: it runs again.
mend() {
  [ -z "$(tail -c 1 "$1")" ] || sed -i '$d' "$1"
  awk '/^[{]"suite"/ { held = held $0 "\n"; next }
    /^[{]"step"/ { printf "%s", held }
    { held = ""; print }' "$1" >"$1.mended"
  mv "$1.mended" "$1"
}

# As for the tests (cmake/SluiceTest.cmake): more ranks than cores, none bound to one.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1
# By this whatever a step has started can be found, in whatever process group it is.
export SLUICE_BENCH_RUN=$$-$EPOCHREALTIME

scratch='' failed=0 running='' python=''

# Processes of this run; what looks for them does not bear the mark. Ray's workers write their titles
# over their environment, but keep their logs open.
started() (
  mark=SLUICE_BENCH_RUN=$SLUICE_BENCH_RUN
  unset SLUICE_BENCH_RUN
  {
    grep -lzxF "$mark" /proc/[0-9]*/environ 2>/dev/null || true
    [ -z "${RAY_TMPDIR:-}" ] || find /proc/[0-9]*/fd -lname "$RAY_TMPDIR/*" 2>/dev/null || true
  } | cut -d / -f 3 | sort -u
)

# end SIGNAL: sends it to all of them.
end() {
  local pid
  for pid in $(started); do kill -s "$1" "$pid" 2>/dev/null || true; done
}

# Ray and mpirun end what they have started if they are asked to, which takes them seconds.
sweep() {
  [ -n "$(started)" ] || return 0
  end TERM
  for _ in $(seq 50); do
    [ -n "$(started)" ] || return 0
    sleep 0.2
  done
  end KILL
}

# A second Ctrl-C must not keep it from this.
stop() {
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$running" ]; then kill -s TERM -- "-$running" 2>/dev/null || true; fi
  sweep
  rm -rf ${scratch:+"$scratch"} ${RAY_TMPDIR:+"$RAY_TMPDIR"}
  exit "$1"
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
trap 'stop $?' EXIT

# run COMMAND…: in a session of its own and in the background, so that a signal reaches this script at
# once and, through it, all that the command has started.
run() {
  local status=0
  setsid "$@" &
  running=$!
  wait "$running" || status=$?
  running=
  return "$status"
}

build=${SLUICE_BENCH_BUILD:-}
if [ -z "$build" ]; then
  build=build
  ./cmake/install-packages.sh build tests
  ./cmake/install-test-tools.sh
  cmake --preset release >/dev/null
  run cmake --build --preset release --target benchmarks/all sluice
fi
programs=$build/benchmarks
[ -x "$programs/summary" ] || refuse "no benchmarks are built in '$build'"
scratch=$(mktemp -d "$build/benchmark-$$-XXXXXX")
SLUICE_BENCH_SCRATCH=$(realpath "$scratch")
export SLUICE_BENCH_SCRATCH
mkdir -p "$results_dir"
results=${resumed:-$results_dir/$(date -u +%Y%m%dT%H%M%SZ).jsonl}

# step NAME COMMAND…: what it measured is appended to the results once it has ended well, then NAME, by
# which a resumed run, whose scratch folder is another one, knows that it is done. Nothing but this
# shell writes there, so that Ctrl-C, which all processes of a terminal get, cuts nothing short.
step() {
  local key="$suite/$round/${1//"$scratch/"/}" output=$scratch/output started_at=$EPOCHREALTIME
  local status=0 measured before after
  shift
  if grep -qF "{\"step\": \"$key\"" "$results"; then return; fi
  [ ! -t 2 ] || echo "  $key" >&2
  before=$(cpu_ticks)
  run "$@" >"$output" 2>"$scratch/errors" || status=$?
  after=$(cpu_ticks)
  sweep
  if [ "$status" -ne 0 ] || ! grep -q '^{"' "$output"; then
    tail -n 20 "$scratch/errors" >&2
    echo "run.sh: failed ($status): $*" >&2
    failed=1
    printf '{"failed": "%s", "status": %d}\n' "$key" "$status" >>"$results"
    return 0
  fi
  measured=$(grep '^{"' "$output" | sed "s,^{,{\"suite\": \"$suite\"\, \"round\": $round\, ,")
  printf '%s\n{"step": "%s", %s}\n' "$measured" "$key" \
    "$(echo "$started_at $EPOCHREALTIME $before $after" | awk '{
      printf "\"seconds\": %.1f, \"user\": %.1f, \"system\": %.1f",
        $2 - $1, ($5 - $3) / 100, ($6 - $4) / 100 }')" >>"$results"
}

# Of all that this shell has started and seen end, in user code and in the kernel, in hundredths of a second.
cpu_ticks() { cut -d ' ' -f 16,17 "/proc/$$/stat"; }

# on RANKS PROGRAM ARGUMENT…
on() {
  local ranks=$1 program=$2
  shift 2
  export SLUICE_LAUNCHED_AT=$EPOCHREALTIME
  step "$ranks $program $*" mpirun --timeout 300 -n "$ranks" "$programs/$program" --json "$@"
}

# bare PROGRAM ARGUMENT…
bare() {
  local program=$1
  shift
  export SLUICE_LAUNCHED_AT=$EPOCHREALTIME
  step "$program $*" timeout 300 "$programs/$program" --json "$@"
}

# compare WHAT WITH AIM [TARGET]: the ratio of two results, held against a target. Without WITH in the
# results it says nothing.
compare() {
  local line
  line=$(printf '{"compare": "%s", "with": "%s", "aim": "%s"' "$1" "$2" "$3")
  [ -z "${4:-}" ] || line+=", \"target\": $4"
  grep -qxF "$line}" "$results" || echo "$line}" >>"$results"
}

describe() {
  printf '{"date": "%s", "commit": "%s", "size": "%s", "seeds": [1], %s, "build": "%s", ' \
    "$(date -u +%FT%TZ)" "$(commit)" "$size" "$(machine)" \
    "$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null)"
  [ -z "$python" ] || printf '"peers": "%s", ' "$(peer_versions)"
  printf '"load_before": "%s"}\n' "$(cut -d ' ' -f 1 /proc/loadavg)"
}

if with_peers "${names[@]}"; then
  ./cmake/install-packages.sh peers
  run benchmarks/peers/set-up.sh >"$scratch/peers"
  python=$(cat "$scratch/peers")/bin/python
  RAY_TMPDIR=$(mktemp -d /tmp/sluice-ray-XXXXXX) # its sockets' names must be short
  export RAY_TMPDIR
fi
[ -z "$resumed" ] || mend "$results"
describe >>"$results"
for suite in "${names[@]}"; do
  [ ! -t 2 ] || echo "$suite …" >&2
  run_suite "$suite"
done

status=0
"$programs/summary" <"$results" || status=$?
"$programs/summary" --markdown <"$results" >"${results%.jsonl}.md" || true
plot
echo "results: $results, ${results%.jsonl}.md"
# What is too small to mean anything misses no target.
[ "$size" != smoke ] || [ "$status" -ne 1 ] || status=0
[ "$failed" -eq 0 ] || status=1
exit "$status"
