#!/usr/bin/env bash
# loss_chaos.sh PROGRAM FIRST_SEED TRIALS: each trial has six ranks in random traffic under mpirun and
# kills one to three of them. Every survivor must say that all is well. In every other trial only the
# smallest messages leave at once, so that a rank often dies in the middle of one, and nothing is lent.
set -u
program=$1 first=$2 trials=$3
ranks=6 bad=0
for ((seed = first; seed < first + trials; ++seed)); do
  kills=$((seed % 3 + 1))
  settings=()
  [ $((seed % 2)) -eq 1 ] || settings=(OMPI_MCA_btl_vader_eager_limit=1024 SLUICE_LEND=0)
  output=$(env "${settings[@]}" mpirun --enable-recovery --timeout 100 -n $ranks "$program" "$seed" "$kills" 2>&1)
  ok=$(grep -c '^rank [0-9]*: ok' <<<"$output")
  if [ "$ok" -ne $((ranks - kills)) ]; then
    bad=$((bad + 1))
    printf 'seed %d, %d kills: %d survivors are well:\n%s\n' "$seed" "$kills" "$ok" "$output"
  fi
done
echo "$((trials - bad)) of $trials trials survived"
[ "$bad" -eq 0 ]
