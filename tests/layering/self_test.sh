#!/usr/bin/env bash
# Plants one violation at a time in a small tree and expects check.sh to name its file and line.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

clean_tree() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/include/sluice "$tree"/src/{base,record,control,transport,store,runtime,cli} \
    "$tree"/tests "$tree"/jobs
  printf '#pragma once\n#include <string>\n' > "$tree/include/sluice/error.hpp"
  printf '#include <sluice/error.hpp>\n#include <cereal/cereal.hpp>\n' \
    > "$tree/include/sluice/codec.hpp"
  printf '#include "control/flow.hpp"\n#include <sluice/error.hpp>\n#include <vector>\n' \
    > "$tree/src/control/flow.cpp"
  printf '#include <fmt/format.h>\n#include "control/flow.hpp"\n' > "$tree/src/runtime/worker.cpp"
  printf '#include <mpi.h>\n' > "$tree/src/transport/mpi_rank.cpp"
  printf '#include <hdf5.h>\n// #include "runtime/worker.hpp"\n' > "$tree/src/store/shard.cpp"
}

fail() {
  printf 'FAILED: %s\n' "$*"
  failures=$((failures + 1))
}

# plant FILE:LINE TEXT: after a first innocent line, TEXT is on line 2, where it must be reported.
plant() {
  local file=$1 text=$2 output
  clean_tree
  mkdir -p "$(dirname "$tree/$file")"
  printf '#include <vector>\n%s\n' "$text" > "$tree/$file"
  if output=$("$here/check.sh" "$tree"); then
    fail "$text in $file was accepted"
  elif [[ $output != "$file:2: "* || $(wc -l <<< "$output") != 1 ]]; then
    fail "$text in $file was reported as: $output"
  fi
}

clean_tree
"$here/check.sh" "$tree" || fail "a clean tree was refused"

plant src/base/log.cpp '#include "record/batch.hpp"'
plant src/record/codec.cpp '#include "runtime/worker.hpp"'
plant src/record/codec.cpp '#include <sluice/run.hpp>'
plant src/transport/local.cpp '  #  include "store/shard.hpp"'
plant src/runtime/worker.cpp '#include "../control/flow.hpp"'
plant src/control/flow.hpp '#include "base/clock.hpp"'
plant src/control/flow.hpp '#include <fmt/format.h>'
plant src/control/flow.hpp '#include <sluice/record.hpp>'
plant src/control/flow.hpp '#include <mutex>'
plant src/control/flow.hpp 'auto t = std::chrono::steady_clock::now();'
plant src/transport/local.cpp '#include <mpi.h>'
plant src/runtime/worker.cpp '#include "mpi.h"'
plant src/runtime/worker.cpp '#include <hdf5.h>'
plant src/runtime/worker.cpp '#include <curl/curl.h>'
plant src/store/shard.cpp '#include <cuda_runtime.h>'
plant src/store/shard.cpp '#include <nccl.h>'
plant src/runtime/worker.cpp '#include <toml++/toml.h>'
plant src/runtime/worker.cpp '#include <CLI/CLI.hpp>'
plant include/sluice/codec.hpp '#include <fmt/format.h>'
plant include/sluice/codec.hpp '#include "record/buffer_pool.hpp"'
plant include/sluice/error.hpp '#include <sluice/codec.hpp>'

expect_report() {
  local output
  output=$("$here/check.sh" "$tree") && fail "$2 was accepted"
  [[ $output == "$1"* ]] || fail "$2 was reported as: $output"
}

clean_tree
mkdir "$tree/src/extra"
echo > "$tree/src/extra/lost.cpp"
expect_report src/extra/lost.cpp:1: "a folder that is no layer"

clean_tree
echo > "$tree/include/sluice/novel.hpp"
expect_report include/sluice/novel.hpp:1: "a public header without a layer"

clean_tree
seq 400 > "$tree/tests/long_test.cpp"
"$here/check.sh" "$tree" || fail "a file of 400 lines was refused"
seq 401 > "$tree/tests/long_test.cpp"
expect_report tests/long_test.cpp:401: "a file of 401 lines"

((failures == 0)) && echo "every planted violation was named"
exit $((failures > 0))
