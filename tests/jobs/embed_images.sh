#!/usr/bin/env bash
# The job of jobs/embed-images gives the same without a GPU, on an emulated one, and under mpirun:
# embed_images.sh JOB BUILD RUNS
set -euo pipefail
job=$1 build=$2 runs=$3
rm -rf "$runs"
mkdir -p "$runs"
plugin=$build/libsluice_embed_images.so
common=(--fresh --set "stage.make.plugin=$plugin" --set "stage.embed.plugin=$plugin"
  --set 'stage.write.use=jsonl.write' --set 'stage.write.settings={ path = "out.jsonl" }')

on_cpu=(--set stage.embed.gpus=0 --set stage.embed.gpu_memory=0 --set stage.embed.inputs=host)

run() {  # NAME ARGUMENT…
  local name=$1
  shift
  "${launcher[@]}" "$build/sluice" run "$job" "${common[@]}" --run-dir "$runs/$name" "$@" \
    2>"$runs/$name.log" || { cat "$runs/$name.log"; exit 1; }
  sort "$runs/$name/out.jsonl" >"$runs/$name.sorted"
}

launcher=()
run debug --mode debug "${on_cpu[@]}"
grep -q "has no GPU and uses the CPU" "$runs/debug.log"
[[ $(wc -l <"$runs/debug.sorted") -eq 8 ]]
run threads --mode streaming "${on_cpu[@]}" --set stage.embed.workers=2
[[ $(grep -c "uses the CPU" "$runs/threads.log") -eq 1 ]]  # whoever says it
launcher=(env SLUICE_GPU=emulated SLURM_STEP_GPUS=0)
run emulated --mode streaming
launcher=(env SLUICE_GPU=emulated SLURM_STEP_GPUS=0 mpirun --timeout 60 -n 4)
run mpi --mode streaming
for name in threads emulated mpi; do cmp "$runs/debug.sorted" "$runs/$name.sorted"; done
