#!/usr/bin/env bash
# summary.sh SOURCE BUILD: medians, ratios, and what is missed, from results written by hand.
set -euo pipefail
summary=$2/benchmarks/summary
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cat >"$scratch/results.jsonl" <<'JSON'
{"cpu": "a cpu", "commit": "abc"}
{"suite": "one", "round": 1, "what": "fast", "value": 100, "unit": "records/s", "note": "stage-1 ran"}
{"step": "one/1/fast", "seconds": 1.0}
{"suite": "one", "round": 2, "what": "fast", "value": 300, "unit": "records/s"}
{"suite": "one", "round": 3, "what": "fast", "value": 200, "unit": "records/s"}
{"suite": "two", "round": 1, "what": "slow", "value": 50, "unit": "records/s"}
{"suite": "one", "round": 1, "what": "even", "value": 4, "unit": "s"}
{"suite": "one", "round": 2, "what": "even", "value": 1, "unit": "s"}
{"suite": "two", "round": 1, "what": "time", "value": 2, "unit": "s", "aim": "at most", "target": 3}
{"step": "two/1/time", "seconds": 3.5, "user": 1.5, "system": 0.2}
{"compare": "fast", "with": "slow", "aim": "at least", "target": 4}
{"compare": "fast", "with": "time", "aim": "at least"}
{"compare": "fast", "with": "not measured", "aim": "at least", "target": 1}
JSON

has() { grep -qE -- "$1" "$scratch/out" || { cat "$scratch/out" && echo "no '$1'" && exit 1; }; }

"$summary" <"$scratch/results.jsonl" >"$scratch/out"
has "^fast +\| 200 records/s \(100 to 300, 3 runs\) "
has "^  its ratio to 'slow' +\| 4 +\| >= 4 +\| ok"
has "^  its ratio to 'time' +\| 100 +\| +\| *$"
has "^time +\| 2 s +\| <= 3 s +\| ok"
has "^even +\| 2.50 s \(1 to 4, 2 runs\)"
if grep -q "not measured" "$scratch/out"; then exit 1; fi

status=0
sed 's/"target": 4/"target": 4.1/' "$scratch/results.jsonl" |
  "$summary" --markdown >"$scratch/out" || status=$?
[ "$status" -eq 1 ] || { echo "exit code $status though a target is missed" && exit 1; }
has "^- commit: abc; cpu: a cpu"
has "^- fast, its ratio to 'slow': 4, target >= 4.10. Where the time went: stage-1 ran"
has "^## two$"
has "^\|   its ratio to 'slow' \| 4 \| >= 4.10 \| MISSED \|"
sed 's/"target": 3/"target": 1/' "$scratch/results.jsonl" | "$summary" --markdown >"$scratch/out" || true
has "^- time: 2 s, target <= 1 s. Where the time went: .* 1.5 s of CPU in user code and 0.2 s in the kernel, in 3.5 s"

# What failed is said, unless it went well later; and a ratio to nothing meets no target.
status=0
sed '/"slow"/s/"value": 50/"value": 0/' "$scratch/results.jsonl" | cat - <(
  echo '{"failed": "one/1/gone", "status": 139}'
  echo '{"failed": "one/1/twice", "status": 1}'
  echo '{"step": "one/1/twice", "seconds": 1.0}'
) | "$summary" --markdown >"$scratch/out" || status=$?
[ "$status" -eq 1 ] || { echo "exit code $status though a step failed" && exit 1; }
has "^## Not measured$"
has "^- failed with exit code 139: one/1/gone$"
has "^\|   its ratio to 'slow' \| inf \| >= 4 \| MISSED \|"
if grep -q "one/1/twice" "$scratch/out"; then exit 1; fi

status=0
{ cat "$scratch/results.jsonl" && echo '{"suite": "one", "wha'; } | "$summary" >/dev/null 2>"$scratch/out" || status=$?
[ "$status" -eq 2 ] || { echo "exit code $status of half a line" && exit 1; }
has "line 14: "
