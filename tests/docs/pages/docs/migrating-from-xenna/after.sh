#!/usr/bin/env bash
cat > captions.toml <<'TOML'
[input]
keys = ["a", "b", "c"]
[[stage]]
name = "caption"
command = ["python", "caption.py"]
batch_size = 2
[[stage]]
use = "jsonl.write"
settings = { path = "captions.jsonl" }
TOML
PYTHONPATH=$PYTHONPATH:$PWD sluice run captions.toml --workers 2
[ "$(grep -c '"caption":". by large in caption-w0"' runs/captions/captions.jsonl)" = 3 ]
