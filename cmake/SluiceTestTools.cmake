# What cmake/install-test-tools.sh installs, for tests and benchmarks.
set(SLUICE_TEST_TOOLS $ENV{XDG_CACHE_HOME}/sluice/test-tools/bin
  $ENV{HOME}/.cache/sluice/test-tools/bin)
find_program(SLUICE_WEED weed HINTS ${SLUICE_TEST_TOOLS} DOC "SeaweedFS")
find_program(SLUICE_TEST_PYTHON python3 HINTS ${SLUICE_TEST_TOOLS} DOC "Python, with NumPy and h5py or not")
