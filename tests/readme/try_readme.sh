#!/usr/bin/env bash
# try_readme.sh SOURCE BUILD DIR: writes the files that the README shows into DIR, runs its shell
# blocks there in order (but for the two set-up commands, which CI runs), and checks what came out.
set -euo pipefail
source=$1 build=$2 dir=$3

rm -rf "$dir"
mkdir -p "$dir/hello"
ln -s "$build" "$dir/build"
cd "$dir"
awk '
  /^```[a-z]+ / { file = $2; next }                # a block with a file name is that file
  /^```sh$/     { file = "commands.sh"; next }
  /^```/        { file = ""; next }
  file != "" && !/^\.\/(jobs|tests)\// { print > file }
' "$source/README.md"
for file in hello/hello.toml hello/hello.cpp; do
  lines=$(wc -l < "$file")
  [ "$lines" -lt 30 ] || { echo "$file in the README has $lines lines; it promises under thirty"; exit 1; }
done
bash -euxo pipefail commands.sh | tee output

[ "$(grep -c '"key"' runs/hello/files.jsonl)" = 2 ]
[ "$(sort runs/hello/files.jsonl)" = "$(sort runs/hello-mpi/files.jsonl)" ]
lengths=$(grep -E '^[0-9]+$' output | tr '\n' ' ')
[ "$lengths" = "2 2 2 3 2 2 4 2 3 8 2 2 2 3 2 2 4 2 3 8 " ] || {
  echo "hello printed '$lengths'"
  exit 1
}
