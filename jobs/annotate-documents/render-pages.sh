#!/usr/bin/env bash
# Renders the first pages of the Debian Policy Manual to grey PNG images at 100 dpi, the input of
# the job. Does nothing if they are there.
# usage: render-pages.sh [FOLDER]   PAGES=120 is how many, at most 193
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(realpath -m "${1:-$repository/build/annotate-documents/pages}")
pages=${PAGES:-120}

count_pages() { find "$folder" -name '*.png' 2>/dev/null | wc -l; }

[ "$(count_pages)" -ne "$pages" ] || exit 0
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$repository/jobs/annotate-documents/fetch-document.sh" "$work/policy.pdf"
mkdir "$work/pages"
# Ten pages a process, a process a core.
# shellcheck disable=SC2016  # the inner shell expands it
seq 1 10 "$pages" | xargs -P "$(nproc)" -I FIRST bash -c \
  'last=$((FIRST + 9)); exec pdftoppm -r 100 -gray -png -f FIRST \
     -l $((last < $1 ? last : $1)) "$2/policy.pdf" "$2/pages/policy"' render "$pages" "$work"
rm -rf "$folder"
mv "$work/pages" "$folder"
if [ "$(count_pages)" -ne "$pages" ]; then
  echo "render-pages: $pages pages wanted, but the document has only $(count_pages)" >&2
  exit 1
fi
echo "rendered $pages pages to $folder"
