#!/usr/bin/env bash
# Puts the Debian Policy Manual into a PDF file.
# usage: fetch-document.sh FILE.pdf
set -euo pipefail

document=usr/share/doc/debian-policy/policy.pdf.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Slim images leave /usr/share/doc out of the packages that they install.
fetch_package() {
  mkdir "$work/package"
  chmod 755 "$work" "$work/package"
  (cd "$work/package" && apt-get download -q debian-policy >"$work/log" 2>&1) ||
    { cat "$work/log" >&2; echo "fetch-document: cannot get the package debian-policy" >&2; exit 1; }
  dpkg-deb -x "$work"/package/*.deb "$work"
  echo "$work/$document"
}

compressed=/$document
[ -e "$compressed" ] || compressed=$(fetch_package)
gunzip -c "$compressed" >"$1"
