#!/usr/bin/env bash
# Runs the main job on a few pages bare, under mpirun and in debug mode, and compares the outputs.
# usage: annotate_documents.sh JOB.toml BUILD PAGES RUNS
set -euo pipefail

job=$1 build=$2 pages=$3 runs=$4
run=("$build/sluice" run "$job" --set "input.files=[\"$pages/*.png\"]"
  --set "stage.ocr.plugin=$build/libsluice_tesseract.so")

rm -rf "$runs"
"${run[@]}" --run-dir "$runs/bare"
mpirun --timeout 120 -n 5 "${run[@]}" --run-dir "$runs/mpi"
"${run[@]}" --mode debug --run-dir "$runs/debug"
"$build/compare-pages" "$runs"/{bare,mpi,debug}/pages.h5 | tee "$runs/comparison"
grep -q '^6 pages' "$runs/comparison"
