#!/usr/bin/env bash
# Sources are as clang-format leaves them, and shell scripts as shellcheck wants them; Python has no
# line over 100 columns.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

find src include tests benchmarks jobs -name '*.[ch]pp' -print0 |
  xargs -0 clang-format --dry-run --Werror
find . -path './build*' -prune -o '(' -name '*.sh' -o -name '*.sbatch' ')' -print0 |
  xargs -0 shellcheck .ci/run
! grep -rnE '^.{101,}' --include='*.py' python jobs tests benchmarks
