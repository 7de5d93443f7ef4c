#!/usr/bin/env bash
cat > captions.toml <<'TOML'
[input]
jsonl = "rows.jsonl"
[[stage]]
command = ["python", "caption.py"]
batch_size = 2
settings = { model = "large" }
[[stage]]
use = "jsonl.write"
settings = { path = "captions.jsonl" }
TOML
for n in 1 2 3; do echo "{\"key\": \"row-$n\", \"text\": \"text $n\"}"; done > rows.jsonl
PYTHONPATH=$PYTHONPATH:$PWD sluice run captions.toml
[ "$(grep -c '"caption":"text . by large"' runs/captions/captions.jsonl)" = 3 ]
[ "$(grep -c '"size":15' runs/captions/captions.jsonl)" = 3 ]
