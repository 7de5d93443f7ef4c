#!/usr/bin/env bash
# The page's stage between two others.
cat > captions.toml <<TOML
[input]
files = ["pages/*.png"]
[[stage]]
use = "fs.read"
settings = { field = "image" }
$(cat caption.toml)
[[stage]]
use = "jsonl.write"
settings = { path = "captions.jsonl", payload = "digest" }
TOML
PYTHONPATH=$PYTHONPATH:$PWD sluice run captions.toml
[ "$(grep -c '"caption":"page .. by weights.bin"' runs/captions/captions.jsonl)" = 20 ]
