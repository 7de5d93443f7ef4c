#!/usr/bin/env bash
# arguments.sh SOURCE BUILD: what run.sh refuses, before it builds or measures anything.
set -euo pipefail
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SLUICE_BENCH_BUILD=/nonexistent

# refuses TEXT ARGUMENT…
refuses() {
  local text=$1 status=0
  shift
  "$source/benchmarks/run.sh" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq 2 ] || { echo "run.sh $*: exit code $status, not 2" && exit 1; }
  grep -qF -- "$text" "$scratch/err" || { cat "$scratch/err" && exit 1; }
}

refuses "no benchmark 'no-such'" no-such
refuses "no benchmark '--no-such'" --no-such
refuses "--results needs a value" --results
refuses "no file 'missing.jsonl'" --resume missing.jsonl
echo '{"size": "quick"}' >"$scratch/quick.jsonl"
refuses "of another size than smoke" --smoke --resume "$scratch/quick.jsonl"

"$source/benchmarks/run.sh" --help >"$scratch/help"
grep -qF -- '--resume FILE' "$scratch/help"
"$source/benchmarks/run.sh" --list >"$scratch/list"
for suite in transport channel pipeline scaling store recovery autoscale process peers; do
  grep -q "^$suite: [a-z]" "$scratch/list" || { echo "no suite $suite" && exit 1; }
done
# Whatever is listed can be run.
while read -ra words; do
  for part in "${words[@]:1}"; do
    grep -q "^run_$part() " "$source"/benchmarks/suites.sh "$source"/benchmarks/peers/suite.sh ||
      { echo "no run_$part" && exit 1; }
  done
done <"$scratch/list"
