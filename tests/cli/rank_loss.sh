#!/usr/bin/env bash
# rank_loss.sh SLUICE FIRST_SEED TRIALS: each trial runs a job on a coordinator and eight workers under
# mpirun --enable-recovery and kills three of the workers, one after the other, at moments that the
# seed says. The run must end by itself with the debug run's output; one that does not must be
# resumable. Of a hundred trials five may need that. One more trial kills the coordinator: `sluice run
# --restarts` must go on by itself.
set -u
sluice=$1 first=$2 trials=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
seq -f 'key-%04g' 1 500 >keys.txt
cat >job.toml <<'TOML'
[pipeline]
name = "loses-ranks"
commit_every = "300ms"

[input]
list = "keys.txt"

[[stage]]
name = "split"
use = "synthetic"
settings = { service = "fixed", mean = "2ms", outputs = 2, output_bytes = 100000 }
batch_size = 4

[[stage]]
name = "work"
use = "synthetic"
settings = { service = "lognormal", mean = "12ms", sigma = 0.5, seed = 3, output_bytes = 1000 }
batch_size = 4

[[stage]]
name = "write"
use = "jsonl.write"
settings = { path = "out.jsonl", payload = "digest" }
batch_size = 8
TOML

# rank_pids MPIRUN: lines "RANK PID".
rank_pids() {
  local children=() pid rank
  read -r -a children 2>/dev/null <"/proc/$1/task/$1/children"  # no line end there: never true
  for pid in "${children[@]}"; do
    rank=$(tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^OMPI_COMM_WORLD_RANK=//p')
    [ -n "$rank" ] && echo "$rank $pid"
  done
}

"$sluice" run job.toml --mode debug --run-dir debug >/dev/null 2>&1 || exit 2
sort debug/out*.jsonl >expected.txt

# correct FOLDER: the output there is the debug run's.
correct() {
  sort "$1"/out*.jsonl 2>/dev/null | cmp -s - expected.txt
}

# A rank that dies before the run has begun is another matter.
wait_for_journal() {
  local i
  for ((i = 0; i < 400; ++i)); do
    [ -e run/journal ] && return
    sleep 0.05
  done
}

by_itself=0 resumed=0 wrong=0
for ((seed = first; seed < first + trials; ++seed)); do
  RANDOM=$seed
  rm -rf run
  mpirun --enable-recovery --timeout 100 -n 9 "$sluice" run job.toml --run-dir run \
    --set "stage.work.spmd=$((1 + seed % 2))" >log.txt 2>&1 & # pairs of ranks every other time
  launcher=$!
  victims=$(seq 1 8 | shuf --random-source=<(yes "$seed") -n 3)
  wait_for_journal
  pids=$(rank_pids $launcher)
  killed=
  for rank in $victims; do
    sleep "0.$(printf '%03d' $((RANDOM % 900)))"
    pid=$(sed -n "s/^$rank //p" <<<"$pids")
    [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && killed+=" $rank"
  done
  wait $launcher
  if correct run && grep -q '500 of 500 records done' log.txt; then
    by_itself=$((by_itself + 1))
    continue
  fi
  printf 'seed %d, killed%s: did not end by itself:\n' "$seed" "$killed"
  tail -n 12 log.txt
  mpirun --timeout 100 -n 5 "$sluice" resume run >again.txt 2>&1
  if correct run; then
    resumed=$((resumed + 1))
  else
    wrong=$((wrong + 1))
    tail -n 5 again.txt
    sort run/out*.jsonl 2>/dev/null | diff - expected.txt | head -n 5
  fi
done
echo "$by_itself of $trials ended by themselves, $resumed by a resume, $wrong wrong"

rm -rf run
"$sluice" run job.toml --run-dir run --ranks 5 --restarts 1 >log.txt 2>&1 &
supervisor=$!
wait_for_journal
sleep 0.6
read -r launcher _ <"/proc/$supervisor/task/$supervisor/children"
kill -9 "$(rank_pids "$launcher" | sed -n 's/^0 //p')"
wait $supervisor
code=$?
if [ $code -ne 0 ] || ! correct run || ! grep -q 'the coordinator, died' log.txt; then
  echo "without its coordinator the run did not go on by itself: exit code $code"
  tail -n 20 log.txt
  exit 1
fi
echo "a run that lost its coordinator went on by itself"
[ "$wrong" -eq 0 ] && [ $((by_itself * 20)) -ge $((trials * 19)) ]
