#!/usr/bin/env bash
# Checks who includes whom, and that no file outgrows 400 lines: check.sh [PROJECT_ROOT]
set -euo pipefail
rules=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/rules.awk
cd "${1:-$(dirname "$rules")/../..}"
longest=400
status=0

folders() {
  for folder in "$@"; do [[ ! -d $folder ]] || printf '%s\n' "$folder"; done
}

mapfile -t cpp_folders < <(folders src include)
find "${cpp_folders[@]}" -type f -regextype posix-extended -regex '.*\.(hpp|cpp|h|cu)' -print0 |
  sort -z | xargs -0 -r awk -f "$rules" || status=1

mapfile -t all_folders < <(folders src include tests benchmarks jobs python)
while IFS= read -r -d '' file; do
  lines=$(wc -l < "$file")
  if ((lines > longest)); then
    printf '%s:%d: is longer than %d lines; split it\n' "$file" "$lines" "$longest"
    status=1
  fi
done < <(find "${all_folders[@]}" -type f -regextype posix-extended \
  -regex '.*(\.(hpp|cpp|h|c|cu|sh|py|cmake|awk)|/CMakeLists\.txt)' -print0 | sort -z)

exit "$status"
