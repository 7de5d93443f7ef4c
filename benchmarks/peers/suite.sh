# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317  # run.sh's variables; functions called by the names in `suites`
# What sluice is compared with, on the same chain of stages with as many workers: chain.py says what
# the chain is, each program how its system is meant to be used, and README.md what is not comparable.

# Raw MPI's master and workers, either way; a pool of processes a stage; one MPI pool for all stages.
all_peers=(raw fused process_pools mpi_futures gnu_parallel ray_data xenna)
declare -A peer_names=(
  [raw]="raw MPI master/worker" [fused]="raw MPI master/worker, fused"
  [process_pools]="multiprocessing" [mpi_futures]="mpi4py.futures, fused"
  [gnu_parallel]="GNU parallel" [ray_data]="Ray Data" [xenna]="Cosmos-Xenna"
)

peer_versions() {
  "$python" - <<'PYTHON'
from importlib.metadata import version
from platform import python_version
names = ("cosmos-xenna", "ray", "mpi4py", "numpy")
print(", ".join([f"Python {python_version()}"] + [f"{name} {version(name)}" for name in names]))
PYTHON
}

# peer NAME WORKERS RECORDS ARGUMENT…
peer() {
  local name=$1 workers=$2 records=$3 ranks=$((3 * $2 + 1)) launcher=(timeout -k 20 180)
  shift 3
  local arguments=(--workers "$workers" --records "$records" "$@")
  export SLUICE_LAUNCHED_AT=$EPOCHREALTIME
  case $name in
    sluice) on "$ranks" pipeline "${arguments[@]}" ;;
    raw) on "$ranks" raw_master_worker "${arguments[@]}" ;;
    fused) on "$ranks" raw_master_worker --fused "${arguments[@]}" ;;
    mpi_futures)
      launcher+=(mpirun -n "$ranks" "$python" -m mpi4py.futures)
      step "$name ${arguments[*]}" "${launcher[@]}" "benchmarks/peers/$name.py" "${arguments[@]}"
      ;;
    *) step "$name ${arguments[*]}" "${launcher[@]}" "$python" "benchmarks/peers/$name.py" \
      "${arguments[@]}" ;;
  esac
}

# So many records that it takes seconds, at the speed of each; $1 are those of the fastest.
records_for() {
  local fast=$1 most=$1
  case $2 in
    sluice) most=100000 ;;
    process_pools | mpi_futures) most=20000 ;;
    ray_data) most=3000 ;;
    gnu_parallel | xenna) most=1000 ;;
  esac
  [ "$most" -lt "$fast" ] || most=$fast
  pick $((most < 100 ? most : 100)) $((most / 2)) "$most"
}

# contest TITLE WORKERS RECORDS "PEER…" ARGUMENT…: sluice and those peers, in turns.
contest() {
  local title=$1 workers=$2 records=$3 name
  local contenders="sluice $4"
  shift 4
  for name in $contenders; do
    peer "$name" "$workers" "$(records_for "$records" "$name")" --title "$title" "$@"
  done
}

# never_slower TITLE "PEER…": a hundredth is within what two runs of one program differ by.
never_slower() {
  local name
  for name in $2; do compare "$1: sluice" "$1: ${peer_names[$name]}" "at least" 0.99; done
}

run_null() {
  local title="null, 1 KiB one by one"
  contest "$title" 1 200000 "${all_peers[*]}"
  compare "$title: sluice" "$title: Cosmos-Xenna" "at least" 100
  compare "$title: sluice" "$title: Ray Data" "at least" 20
  never_slower "$title" "raw fused process_pools mpi_futures gnu_parallel"
}

# Fused, a large item would not travel at all; a line does not hold it. All of them must fit in memory,
# since multiprocessing holds nothing back.
run_large() {
  local title="null, 1 MiB one by one" others="raw process_pools ray_data xenna"
  contest "$title" 1 2000 "$others" --bytes 1048576
  never_slower "$title" "$others"
}

run_sleep1() {
  local title="1 ms of sleep, 1 KiB"
  contest "$title" 2 10000 "${all_peers[*]}" --work sleep:0.001
  never_slower "$title" "${all_peers[*]}"
}

run_sleep10() {
  local title="10 ms of sleep, 1 KiB"
  contest "$title" 2 2000 "${all_peers[*]}" --work sleep:0.01
  never_slower "$title" "${all_peers[*]}"
}

run_burn() {
  local title="1 ms of computing, 1 KiB" others="raw fused process_pools mpi_futures ray_data xenna"
  contest "$title" 1 4000 "$others" --work burn:0.001
  never_slower "$title" "$others"
}

run_model() {
  local title="model in Python, 1 KiB" others="process_pools mpi_futures ray_data xenna" name
  local records
  records=$(records_for 5000 sluice)
  mkdir -p "$scratch/model"
  # The model's stage has no rank of its own to compute on: its worker waits for the process.
  PYTHONPATH=$PWD/python on 4 model_pipeline --title "$title" --records "$records" --run-dir "$scratch/model" \
    --command "$python" --command benchmarks/peers/model_stage.py
  for name in $others; do
    peer "$name" 1 "$(records_for 5000 "$name")" --title "$title" --work none,model,none
  done
  never_slower "$title" "$others"
}

# A record every 20 ms, so that none waits for another.
run_hop() {
  local title="a record every 20 ms" others="raw process_pools ray_data xenna" name
  contest "$title" 1 300 "$others" --work sleep:0.02,none --hops
  compare "$title, hop p50: sluice" "$title, hop p50: Cosmos-Xenna" "at most" 0.02
  for name in raw process_pools ray_data; do
    compare "$title, hop p50: sluice" "$title, hop p50: ${peer_names[$name]}" "at most" 1
  done
}

# plot: adds plots to the page, if there is what draws them.
plot() {
  local drawer venv=${SLUICE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/peers}
  for drawer in "$venv/bin/python" python3; do
    "$drawer" -c 'import matplotlib' 2>/dev/null || continue
    "$drawer" benchmarks/plots.py "$results" || echo "run.sh: the plots failed" >&2
    return
  done
  echo "no plots: benchmarks/peers/set-up.sh installs what draws them" >&2
}
