#!/usr/bin/env bash
cat > all.toml <<TOML
[input]
jsonl = "rows.jsonl"
$(cat shout.toml)
[[stage]]
use = "jsonl.write"
settings = { path = "shouts.jsonl" }
TOML
echo '{"key": "a", "text": "quiet"}' > rows.jsonl
sluice run all.toml --mode debug
grep -q '"text":"QUIET"' runs/all/shouts.jsonl
