#!/usr/bin/env bash
# linked_runs.sh LINKED_RUN FIRST_SEED TRIALS: each trial is a run whose payloads go from GPU to GPU over
# links, which are emulated, on one node where that is asked for or on two where it is not; in some a
# rank kills itself in the middle. It must end by itself with the debug run's output, and there must have
# been links.
set -u
program=$1 first=$2 trials=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export SLUICE_GPU=emulated:4 SLURM_STEP_GPUS=0,1,2,3
"$program" debug auto debug || exit 2
sort debug/lines-*.txt >expected.txt
[ "$(wc -l <expected.txt)" -eq 400 ] && ! grep -q torn expected.txt || exit 2

# Every second rank is on another node. Each rank is to see its own number.
# shellcheck disable=SC2016
on_two_nodes='export SLUICE_SIMULATED_NODE=$((OMPI_COMM_WORLD_RANK % 2)); exec "$@"'

failed=0
# try NAME PATH NODES VICTIM: 0 for nobody.
try() {
  local name=$1 path=$2 nodes=$3 victim=$4 code=0 wrap=()
  [ "$nodes" -eq 2 ] && wrap=(sh -c "$on_two_nodes" sh)
  rm -rf run && mkdir run
  SLUICE_TEST_VICTIM=$victim mpirun --enable-recovery --timeout 60 -n 7 "${wrap[@]}" \
    "$program" run "$path" - >log.txt 2>&1 || code=$?
  sort run/lines-*.txt 2>/dev/null >output.txt
  if ! cmp -s output.txt expected.txt; then
    echo "$name: the output is not the debug run's (mpirun: $code)"
    diff output.txt expected.txt | head -n 5
    tail -n 12 log.txt
    failed=1
  fi
  if [ "$code" -eq 110 ]; then
    echo "$name: did not end by itself"
    tail -n 12 log.txt
    failed=1
  fi
  linked=$(cat run/linked-second-* 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
  echo "$name: $linked bytes over links"
  if [ "$linked" -eq 0 ]; then
    echo "$name: nothing went over links"
    tail -n 12 log.txt
    failed=1
  fi
}

# Rank 0 is killed by one that then stays in user code: that does not keep the run from ending.
try_without_coordinator() {
  local code=0
  rm -rf run && mkdir run
  SLUICE_TEST_MURDERER=1 mpirun --enable-recovery --timeout 40 -n 7 "$program" run nccl - \
    >log.txt 2>&1 || code=$?
  if [ "$code" -eq 110 ] || ! grep -q 'no sign of life' log.txt; then
    echo "rank 0 dies: nobody ended the run (mpirun: $code)"
    tail -n 12 log.txt
    failed=1
  fi
}

for ((seed = first; seed < first + trials; ++seed)); do
  victim=$((1 + seed % 5))
  case $((seed % 4)) in
    0) try "one node" nccl 1 0 ;;
    1) try "two nodes, rank $victim dies" auto 2 "$victim" ;;
    2) try "one node, rank $victim dies" nccl 1 "$victim" ;;
    3) try "two nodes" auto 2 0 ;;
  esac
done
[ "$trials" -gt 1 ] && try_without_coordinator
exit $failed
