#!/usr/bin/env bash
# A cluster has the nodes that were asked for, passes on its command's exit code, leaves nothing
# behind, and ends with its script even if that is killed.
set -euo pipefail
cluster=$(dirname "${BASH_SOURCE[0]}")/cluster.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "cluster_test: $*" >&2
  exit 1
}

# running FOLDER: processes of the cluster that lives there.
running() {
  pgrep -f "$1/" || true
}

code=0
# shellcheck disable=SC2016  # for the inner shell
"$cluster" 2 bash -c 'echo "$SLUICE_CLUSTER"; srun -N2 hostname; exit 3' >"$work/out" || code=$?
[ $code -ne 77 ] || exit 77
[ $code -eq 3 ] || fail "the command's exit code was 3, the script's $code"
dir=$(head -n 1 "$work/out")
[ "$(tail -n 2 "$work/out" | sort | tr '\n' ' ')" = "n1 n2 " ] || fail "two nodes were asked for"
[ -z "$(running "$dir")" ] || fail "processes are left behind"
[ ! -e "$dir" ] || fail "$dir is left behind"

# shellcheck disable=SC2016
"$cluster" 1 sh -c 'echo "$SLUICE_CLUSTER"; sleep 60' >"$work/second" &
script=$!
for ((i = 0; i < 300; ++i)); do
  [ ! -s "$work/second" ] || break
  sleep 0.1
done
dir=$(cat "$work/second")
[ -n "$(running "$dir")" ] || fail "no cluster came up"
kill -KILL $script
for ((i = 0; i < 100; ++i)); do
  [ -n "$(running "$dir")" ] || break
  sleep 0.1
done
[ -z "$(running "$dir")" ] || fail "processes outlive the script"
rm -rf "$dir"
