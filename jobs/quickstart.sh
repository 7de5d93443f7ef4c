#!/usr/bin/env bash
# From a bare Debian 12 to the main job's output: installs what is missing, builds, and runs
# jobs/annotate-documents twice, as threads of one process and under mpirun.
# PAGES=120 says how many pages. As root, or as a user who may sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

job=jobs/annotate-documents/job.toml
bare=runs/annotate-documents
mpi=runs/annotate-documents-mpi
pages=build/annotate-documents/pages
# Open MPI asks root twice, and containers may forbid its way of reading another rank's memory.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none

step() { printf '\n== %s (after %d s)\n' "$1" "$SECONDS"; }

# Runs a command that talks a lot; what it says matters only if it fails.
quietly() {
  mkdir -p build
  "$@" >build/quickstart.log 2>&1 && return
  cat build/quickstart.log >&2
  echo "quickstart: '$*' failed; its output is above and in build/quickstart.log" >&2
  exit 1
}

step "installing packages"
cmake/install-packages.sh build jobs

step "building"
quietly cmake --preset release -DSLUICE_BUILD_TESTS=OFF -DSLUICE_BUILD_BENCHMARKS=OFF
quietly cmake --build --preset release

step "rendering pages"
jobs/annotate-documents/render-pages.sh "$pages"

step "running the job as threads of one process"
build/sluice run "$job"

step "running the job under mpirun -n 5"
mpirun -n 5 --oversubscribe build/sluice run "$job" --run-dir "$mpi"

step "comparing the two outputs"
build/compare-pages "$bare/pages.h5" "$mpi/pages.h5"
echo "
The pages' text is in
  $bare/pages.h5      from threads of one process
  $mpi/pages.h5  from 5 MPI ranks
Look at it:
  h5ls -r $bare/pages.h5
  h5dump -d /text $bare/pages.h5 | less
Run it again, or change it: $job"
