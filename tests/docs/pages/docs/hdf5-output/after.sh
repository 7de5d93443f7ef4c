#!/usr/bin/env bash
cat > rows.toml <<'TOML'
[pipeline]
run_dir = "runs/annotate-documents"
[input]
jsonl = "rows.jsonl"
[[stage]]
use = "hdf5.write"
settings = { path = "pages.h5" }
TOML
for n in 7 8 9; do
  echo "{\"key\": \"page-$n\", \"text\": \"a text\", \"words\": $n, \"confidence\": 0.$n}"
done > rows.jsonl
sluice run rows.toml
[ "$(python look.py | sort | tr '\n' ',')" = "page-7 7,page-8 8,page-9 9," ]
