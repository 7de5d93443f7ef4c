# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2317  # run.sh's variables; functions called by the names in `suites`
# The suites of run.sh, which reads this file: what runs, how large, and how often.

declare -A suites=(
  [transport]="transport"
  [channel]="speed fan memory fairness"
  [pipeline]="startup idle chains observe"
  [scaling]="ranks simulated"
  [store]="shards s3 batch"
  [recovery]="journal resume"
  [autoscale]="plan pool"
  [process]="process"
  [peers]="null large sleep1 sleep10 burn model hop"
)
suite_order=(transport channel pipeline scaling store recovery autoscale process)

# How often a part runs at the sizes smoke, quick and full; once if it is not here. The parts of a
# suite take turns, so that what else the machine does meets all of them.
declare -A rounds=(
  [transport]="1 3 7" [speed]="1 3 7" [startup]="1 5 15" [fairness]="1 1 3" [chains]="1 1 3"
  [resume]="1 3 7" [null]="1 1 3" [large]="1 1 3" [sleep1]="1 1 3" [sleep10]="1 1 3"
  [burn]="1 1 3" [model]="1 1 3" [hop]="1 1 3"
)

is_name() {
  [ -n "${suites[$1]:-}" ] || case " ${suites[*]} " in *" $1 "*) ;; *) return 1 ;; esac
}

# with_peers NAME…: whether any of them is of the peers' suite.
with_peers() {
  local name
  for name in "$@"; do
    case " peers ${suites[peers]} " in *" $name "*) return 0 ;; esac
  done
  return 1
}

# run_suite NAME: a suite, or a part.
run_suite() {
  local part round parts=${suites[$1]:-$1} most=1 times
  for part in $parts; do
    # shellcheck disable=SC2086  # three words
    times=$(pick ${rounds[$part]:-1 1 1})
    [ "$times" -le "$most" ] || most=$times
  done
  for ((round = 1; round <= most; ++round)); do
    for part in $parts; do
      # shellcheck disable=SC2086
      [ "$round" -gt "$(pick ${rounds[$part]:-1 1 1})" ] || "run_$part"
    done
  done
}

run_transport() {
  on 2 transport --count "$(pick 100 5000 20000)"
  bare transport --count "$(pick 100 5000 20000)"
}

run_speed() {
  on 4 raw_chain --case large --records "$(pick 1000 2000 5000)"
  on 4 null_pipeline --case large --records "$(pick 200 5000 20000)"
  on 4 null_pipeline --case copied --records "$(pick 200 2000 5000)"
  on 4 raw_chain --case small --records "$(pick 10000 2000000 5000000)"
  on 4 null_pipeline --case small --records "$(pick 10000 300000 1000000)"
  on 4 null_pipeline --case single --records "$(pick 1000 10000 40000)"
}

# From one to several workers, from several to one, and each to each.
run_fan() {
  local shape workers
  for shape in 1,7 7,1 4,4; do
    workers=${shape/,/ to }
    on 9 pipeline --title "$workers workers, 64-byte records in batches of 64" --stages 2 \
      --workers "$shape" --bytes 64 --batch 64 --records "$(pick 10000 200000 1000000)"
  done
}

run_memory() {
  on 13 memory --records "$(pick 100 500 2000)"
  bare memory --records "$(pick 100 500 2000)"
}

run_fairness() {
  on 9 fairness --seconds "$(pick 1 6 15)"
  bare fairness --seconds "$(pick 1 6 15)"
}

run_startup() {
  on 8 mpi_hello
  on 8 startup
}

run_idle() { on 8 idle --sleep "$(pick 1 5 10)" --wakeups "$(pick 50 300 2000)"; }

# Chains of stages of all kinds, each beside what its slowest stage alone could do.
run_chains() {
  local stages
  for stages in 3 6 10; do
    on $((stages + 1)) pipeline --title "$stages null stages, 1 KiB one by one" \
      --stages "$stages" --records "$(pick 500 30000 100000)"
  done
  on 13 pipeline --title "3 stages × 4 that sleep 10 ms" --work sleep:0.01 --workers 4 \
    --target-share 0.99 --records "$(pick 100 2000 4000)"
  on 7 pipeline --title "3 stages × 2 that sleep 1 ms" --work sleep:0.001 --workers 2 \
    --records "$(pick 100 5000 20000)"
  on 4 pipeline --title "3 stages that compute 1 ms" --work burn:0.001 \
    --records "$(pick 100 3000 10000)"
  on 8 pipeline --title "4 mixed stages" --stages 4 --workers 1,1,1,4 \
    --work sleep:0.002,burn:0.001,none,sleep:0.01 --records "$(pick 100 2000 6000)"
  on 13 pipeline --title "3 stages × 4 that sleep 5 ms on average, sigma 1" --work sleep:0.005~1 \
    --workers 4 --records "$(pick 100 4000 12000)"
  on 6 pipeline --title "records split in 4, then 1 ms each" --outputs 4 --workers 1,2,2 \
    --work none,sleep:0.001 --records "$(pick 100 2000 5000)"
  on 11 pipeline --title "10 stages that sleep 10 ms" --stages 10 --work sleep:0.01 \
    --target-share 0.99 --records "$(pick 50 500 1500)"
}

# One stage that sleeps 10 ms: as much work for any number of workers, and as much for each of them.
run_ranks() {
  local workers
  for workers in 1 2 4 8 16; do
    on $((workers + 1)) pipeline --title "strong scaling, $workers workers" --stages 1 \
      --work sleep:0.01 --workers "$workers" --records "$(pick 50 400 1600)"
    on $((workers + 1)) pipeline --title "weak scaling, $workers workers" --stages 1 \
      --work sleep:0.01 --workers "$workers" --records $((workers * $(pick 20 100 400)))
  done
}

run_simulated() {
  # shellcheck disable=SC2046  # several numbers
  step "simulated_scaling $size" timeout 300 benchmarks/simulated_scaling.sh "$build" \
    "$(pick 20 100 100)" $(pick "100 1000" "100 1000 10000" "100 1000 10000")
}

run_shards() { bare shards --rounds "$(pick 3 9 25)"; }

run_s3() { bare s3 --rounds "$(pick 3 7 15)"; }

# Through the file system: 8 GiB in records of 1 MiB, and a million small records.
run_batch() {
  on 4 batch_memory --records "$(pick 64 1024 8192)" --run-dir "$scratch/batch-memory"
  on 4 batch_memory --records "$(pick 10000 100000 1000000)" --bytes 100 \
    --run-dir "$scratch/batch-memory"
}

# The same run with and without, by turns.
run_journal() {
  on 4 journal --records "$(pick 20000 200000 1000000)" --rounds "$(pick 1 3 5)" \
    --run-dir "$scratch/journal"
}

# The same run with and without, by turns.
run_observe() {
  on 4 observe --records "$(pick 20000 1000000 3000000)" --rounds "$(pick 1 5 9)" \
    --run-dir "$scratch/observe"
  on 4 observe --records "$(pick 2000 50000 50000)" --batch 1 --rounds "$(pick 1 5 9)" \
    --run-dir "$scratch/observe"
}

run_resume() { bare resume --records "$(pick 10000 300000 1000000)" --run-dir "$scratch/resume"; }

run_plan() { bare plan; }

# Workers that are shared out while the run goes on, beside the best shares, known beforehand.
run_pool() {
  local records target='' title="5, 30 and 5 ms a record, 8 workers"
  local works=sleep:0.005,sleep:0.03,sleep:0.005
  records=$(pick 100 2000 12000)
  on 9 pipeline --title "$title, best shares" --work $works --workers 1,6,1 --records "$records"
  on 9 pipeline --title "$title, autoscaled" --work $works --workers 1,6,1 --pool 8 \
    --records "$records"
  [ "$size" != full ] || target=1.1 # what docs/autoscaling.md promises of a minute
  compare "$title, autoscaled, last record done: sluice" \
    "$title, best shares, last record done: sluice" "at most" $target
}

# The other end is a small program, and then a Python stage, where NumPy is at hand (SLUICE_PYTHON).
run_process() {
  local command=() interpreter=${SLUICE_PYTHON:-python3}
  if PYTHONPATH=python "$interpreter" -c 'import sluice' 2>/dev/null; then
    export PYTHONPATH=$PWD/python
    command=(--python "$interpreter" --python benchmarks/null_stage.py)
  fi
  mkdir -p "$scratch/process"
  bare process --rounds "$(pick 100 1000 4000)" --run-dir "$scratch/process" "${command[@]}"
}

# shellcheck source=benchmarks/peers/suite.sh
. benchmarks/peers/suite.sh
