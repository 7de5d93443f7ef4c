#!/usr/bin/env bash
# bare_debian.sh BUILD PAGES: makes the Debian packages of a build folder, installs them into a
# bare Debian tree of its own, and runs the main job there on some pages, as a user who has nothing
# else would. Exit code 77 and a line with the reason: it can't be done here.
set -euo pipefail

build=$1 pages=$2
skip() {
  echo "no bare Debian here: $*" >&2
  exit 77
}
[ "$(id -u)" -eq 0 ] || skip "making one takes root"
command -v debootstrap >/dev/null || skip "debootstrap is missing (cmake/install-packages.sh tests)"
unshare -m true 2>/dev/null || skip "the machine forbids namespaces"

# In a mount namespace of its own: what is mounted in the tree goes with this script.
if [ -z "${SLUICE_BARE_DEBIAN:-}" ]; then
  SLUICE_BARE_DEBIAN=$(mktemp -d)
  export SLUICE_BARE_DEBIAN
  trap 'rm -rf "$SLUICE_BARE_DEBIAN"' EXIT
  unshare -m --propagation private "$0" "$@"
  exit
fi
tree=$SLUICE_BARE_DEBIAN/tree packages=$SLUICE_BARE_DEBIAN/packages

(cd "$build" && cpack -G DEB -B "$packages" >"$SLUICE_BARE_DEBIAN/cpack.log" 2>&1) ||
  { cat "$SLUICE_BARE_DEBIAN/cpack.log" >&2 && exit 1; }
# shellcheck disable=SC2016  # apt's own
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)
debootstrap --variant=minbase bookworm "$tree" "${mirror:-http://deb.debian.org/debian}" >/dev/null ||
  skip "debootstrap failed"
cp /etc/resolv.conf "$tree/etc/"
[ ! -d /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d "$tree/etc/apt/"
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount -t tmpfs tmpfs "$tree/dev/shm"
mkdir "$tree/packages"
cp "$packages"/*.deb "$tree/packages/"
inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_btl_vader_single_copy_mechanism=none chroot "$tree" "$@"
}
inside sh -c 'apt-get update && apt-get install -y --no-install-recommends /packages/*.deb' \
  >"$SLUICE_BARE_DEBIAN/apt.log" 2>&1 || { tail -n 30 "$SLUICE_BARE_DEBIAN/apt.log" >&2 && exit 1; }

mkdir -p "$tree/work/build/annotate-documents/pages"
cp "$pages"/*.png "$tree/work/build/annotate-documents/pages/"
# shellcheck disable=SC2016  # for the inner shell
inside sh -ec '
  cd /work
  job=/usr/share/sluice/jobs/annotate-documents/job.toml
  plugin=stage.ocr.plugin=/usr/lib/sluice/libsluice_tesseract.so
  files="input.files=[\"/work/build/annotate-documents/pages/*.png\"]"
  sluice --version
  python3 -c "import sluice; sluice.Stage"
  sluice run $job --set $plugin --set "$files" --run-dir threads
  mpirun -n 4 --oversubscribe sluice run $job --set $plugin --set "$files" --run-dir mpi
  /usr/lib/sluice/compare-pages threads/pages.h5 mpi/pages.h5'
