#!/usr/bin/env bash
# The one place that says which Debian 12 packages sluice needs. Installs those that are missing and
# says nothing when all are there. Groups: build (the library and the command line), jobs (the
# example jobs), tests (the tests, benchmarks and checks); without arguments, all of these. peers: what
# benchmarks/peers is compared with.
set -euo pipefail

declare -A groups=(
  [build]="g++ cmake ninja-build ccache pkg-config libopenmpi-dev openmpi-bin libhdf5-dev
    libspdlog-dev libfmt-dev libcereal-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
    libxxhash-dev libzstd-dev libcurl4-openssl-dev libssl-dev libarchive-dev libpugixml-dev
    libhwloc-dev libmicrohttpd-dev"
  [jobs]="libtesseract-dev tesseract-ocr-eng poppler-utils debian-policy hdf5-tools"
  [tests]="libgtest-dev libgmock-dev libbenchmark-dev coinor-cbc hdf5-tools clang-format clang-tidy
    clang libclang-rt-dev shellcheck python3-venv openssl slurm-wlm munge debootstrap
    environment-modules dpkg-dev chromium man-db mandoc zsh fish doxygen"
  [peers]="parallel python3-venv openmpi-bin"
)

missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "install-packages: not root, and there is no sudo; as root, run: $*" >&2
    exit 1
  fi
}

install() {
  local log
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "install-packages: '$*' failed; its output is above" >&2
    exit 1
  fi
  rm -f "$log"
}

wanted=()
for group in "${@:-build jobs tests}"; do
  for name in $group; do
    if [ -z "${groups[$name]:-}" ]; then
      echo "install-packages: no group '$name'; the groups are: build jobs tests peers" >&2
      exit 2
    fi
    # shellcheck disable=SC2206  # a list of names, to be split
    wanted+=(${groups[$name]})
  done
done

mapfile -t packages < <(missing "${wanted[@]}" | sort -u)
[ "${#packages[@]}" -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "install-packages: no apt-get here; install the equivalents of: ${packages[*]}" >&2
  exit 1
fi
echo "installing ${#packages[@]} Debian packages: ${packages[*]}"
install apt-get update
install apt-get install -y --no-install-recommends "${packages[@]}"
