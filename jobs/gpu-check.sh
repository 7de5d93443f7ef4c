#!/usr/bin/env bash
# Everything that only a GPU can show, by one command: gpu-check.sh [RESULTS_DIR]
#
# Builds what is needed (CUDA and what sluice itself needs must be here; nothing is fetched), runs the
# tests labelled gpu, compute-sanitizer on them, the GPU benchmarks, and a look at what a killed worker
# leaves behind. Writes gpu-check.json and gpu-check.txt to RESULTS_DIR (benchmarks/results/gpu).
# BUILD names the build folder. Ends with 0 if all that ran was well, also if there is no GPU: then the
# report says so, and nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
results=$(realpath -m "${1:-benchmarks/results/gpu}")
build=${BUILD:-build-gpu}
mkdir -p "$results"
text=$results/gpu-check.txt
json=$results/gpu-check.json
: >"$text"
failed=0
entries=()

say() { printf '%s\n' "$*" | tee -a "$text"; }
# note NAME JSON: a part of the report.
note() { entries+=("\"$1\": $2"); }
write_report() {
  local IFS=,
  printf '{%s}\n' "${entries[*]}" >"$json"
  say "written: $json and $text"
}
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/["\\]//g' | tr '\n' ' ')"; }

has_gpu() { compgen -G '/dev/nvidia[0-9]*' >/dev/null; }

note date "$(quoted "$(date -u +%FT%TZ)")"
note commit "$(quoted "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)")"
if ! has_gpu; then
  say "no GPU: not run"
  note result '"no GPU: not run"'
  write_report
  exit 0
fi
if ! command -v nvcc >/dev/null && [[ -x /usr/local/cuda/bin/nvcc ]]; then
  PATH=$PATH:/usr/local/cuda/bin
fi
note driver "$(quoted "$(nvidia-smi --query-gpu=driver_version,name --format=csv,noheader 2>/dev/null || echo unknown)")"

say "== build"
{
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSLUICE_CUDA=ON
  cmake --build "$build" -j "$(nproc)" --target sluice_cli test_gpu test_gpu_device test_embed_images \
    sluice_embed_images bench_gpu
} >"$results/build.log" 2>&1 || {
  say "the build failed: $results/build.log"
  note result '"the build failed"'
  write_report
  exit 1
}
bench=$(find "$build" -type f -name gpu -perm -u+x | head -n 1)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
say "GPUs: $("$bench" devices)"
note devices "$("$bench" devices)"

# check NAME COMMAND…: whether it ends well, with what it said in a log of its own.
check() {
  local name=$1 status=0
  shift
  "$@" >"$results/$name.log" 2>&1 || status=$?
  if ((status == 0)); then
    say "$name: ok"
  else
    say "$name: FAILED ($status), see $results/$name.log"
    failed=1
  fi
  note "$name" "$( ((status == 0)) && echo true || echo false)"
}

# measure NAME COMMAND…: a command that prints one line of JSON.
measure() {
  local name=$1 status=0 line
  shift
  line=$("$@" 2>"$results/$name.log" | tail -n 1) || status=$?
  if ((status == 0)) && [[ $line == [\{\[]* ]]; then
    say "$name: $line"
    note "$name" "$line"
  else
    say "$name: FAILED ($status), see $results/$name.log"
    note "$name" null
    failed=1
  fi
}

say "== tests"
check tests ctest --test-dir "$build" -L '^gpu$' --output-on-failure --no-tests=error
sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
if [[ -x $sanitizer ]]; then
  for tool in memcheck racecheck; do
    check "sanitizer-$tool-device" "$sanitizer" --tool "$tool" --error-exitcode 9 \
      "$(find "$build" -type f -name test_gpu_device)" \
      --gtest_filter='-*Thousand*:*MemoryThatIsFull*'
    check "sanitizer-$tool-embed" "$sanitizer" --tool "$tool" --error-exitcode 9 \
      "$(find "$build" -type f -name test_embed_images)" --gtest_filter='*OnGpu*'
  done
else
  say "compute-sanitizer: not here, not run"
  note sanitizer '"not run"'
fi

say "== the job of jobs/embed-images"
plugin=$build/libsluice_embed_images.so
run_job=("$build/sluice" run jobs/embed-images/job.toml --fresh --mode streaming
  --set "stage.make.plugin=$plugin" --set "stage.embed.plugin=$plugin")
check job "${run_job[@]}" --run-dir "$results/run-job"
check job-mpi mpirun --timeout 120 -n 4 "${run_job[@]}" --run-dir "$results/run-job-mpi"

say "== benchmarks"
measure copies "$bench" copies
measure pair mpirun --timeout 300 -n 2 "$bench" pair
measure busy "$bench" busy --batches 1000
if (($(compgen -G '/dev/nvidia[0-9]*' | wc -l) > 1)); then
  for path in host ipc nccl; do
    measure "handover-$path" mpirun --timeout 300 -n 3 "$bench" handover --path "$path"
  done
else
  say "handover: needs two GPUs, not run"
  note handover '"not run: one GPU"'
fi

# A rank that has memory on a GPU is killed; 10 s later the GPU must have it back.
# shellcheck disable=SC2317  # measure calls it
killed_worker() {
  local before after victim launcher
  before=$("$bench" free)
  mpirun --timeout 120 -n 2 "$bench" pair >/dev/null 2>&1 &
  launcher=$!
  for _ in {1..100}; do
    sleep 0.1
    victim=$(pgrep -P "$launcher" | tail -n 1)
    [[ -z $victim || $("$bench" free) == "$before" ]] || break
  done
  [[ -n $victim ]] || return 1
  kill -9 "$victim"
  wait "$launcher" || true
  for _ in {1..100}; do
    after=$("$bench" free)
    [[ $after == "$before" ]] && break
    sleep 0.1
  done
  printf '{"free_before": %s, "free_after": %s, "same": %s}\n' "$before" "$after" \
    "$([[ $after == "$before" ]] && echo true || echo false)"
  [[ $after == "$before" ]]
}
measure killed_worker killed_worker

note result "$( ((failed == 0)) && echo '"all that ran was well"' || echo '"something failed"')"
write_report
exit "$failed"
