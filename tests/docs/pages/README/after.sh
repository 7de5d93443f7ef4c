#!/usr/bin/env bash
for file in hello/hello.toml hello/hello.cpp; do
  lines=$(wc -l < "$file")
  [ "$lines" -lt 30 ] || { echo "$file has $lines lines; the README promises under thirty"; exit 1; }
done
[ "$(grep -c '"key"' runs/hello/files.jsonl)" = 2 ]
[ "$(sort runs/hello/files.jsonl)" = "$(sort runs/hello-mpi/files.jsonl)" ]
lengths=$(grep -E '^[0-9]+$' output | tr '\n' ' ')
[ "$lengths" = "2 2 2 3 2 2 4 2 3 8 2 2 2 3 2 2 4 2 3 8 " ] || {
  echo "hello printed '$lengths'"
  exit 1
}
