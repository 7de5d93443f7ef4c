#!/usr/bin/env bash
# Runs the main job on a few pages bare, under srun on two nodes and by a template, and compares the
# outputs. usage: cluster.sh 2 main_job.sh SOURCE BUILD PAGES RUNS
set -euo pipefail

source=$1 build=$2 pages=$3 runs=$4
job=$source/jobs/annotate-documents/job.toml
options=(--set "input.files=[\"$pages/*.png\"]"
  --set "stage.ocr.plugin=$build/libsluice_tesseract.so")

rm -rf "$runs"
mkdir -p "$runs"
"$build/sluice" run "$job" "${options[@]}" --run-dir "$runs/bare"
srun -N2 -n6 "$build/sluice" run "$job" "${options[@]}" --run-dir "$runs/srun"
SLUICE=$build/sluice JOB=$job sbatch --wait --output="$runs/log" \
  "$source/jobs/slurm/many-nodes.sbatch" "${options[@]}" --run-dir "$runs/sbatch" || {
  cat "$runs/log"
  exit 1
}
"$build/compare-pages" "$runs"/{bare,srun,sbatch}/pages.h5 | tee "$runs/comparison"
grep -q '^6 pages' "$runs/comparison"
