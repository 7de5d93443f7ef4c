# sluice_layer_tests(LAYER): tests/LAYER/*_test.cpp become the executable test_LAYER, whose tests
# ctest runs one by one; tests/LAYER/*_mpi_test.cpp become test_LAYER_mpi, which runs under mpirun
# at 1, 2, 4 and 8 ranks; tests/LAYER/*_s3_test.cpp become test_LAYER_s3, which runs as one test, on
# an S3 server of its own (tests/s3). Labels: the layer, mpi, s3, and soak for the slow suites, named …Soak.
# Every test has a timeout, and says how many cores it wants so that none is late for want of them.
option(SLUICE_IN_PROCESS_TESTS_ONLY "Build only tests that run in one process, for sanitizers" OFF)

option(SLUICE_FUZZ "Build the fuzz targets as fuzzers, with clang" OFF)

include(SluiceTestTools)
set(SLUICE_MPI_RANKS 1 2 4 8)
set(SLUICE_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  OMPI_MCA_mpi_yield_when_idle=1)
set(SLUICE_THREADED_LAYERS transport process runtime)

function(sluice_test_target name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE sluice_warnings sluice::sluice GTest::gtest GTest::gmock
    fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json Threads::Threads)
endfunction()

function(sluice_layer_tests layer)
  file(GLOB sources CONFIGURE_DEPENDS ${layer}/*_test.cpp)
  file(GLOB mpi_sources CONFIGURE_DEPENDS ${layer}/*_mpi_test.cpp)
  file(GLOB s3_sources CONFIGURE_DEPENDS ${layer}/*_s3_test.cpp)
  if(mpi_sources OR s3_sources)
    list(REMOVE_ITEM sources ${mpi_sources} ${s3_sources})
  endif()
  if(s3_sources)
    sluice_s3_test(test_${layer}_s3 ${s3_sources})
  endif()
  if(mpi_sources AND NOT SLUICE_IN_PROCESS_TESTS_ONLY)
    sluice_test_target(test_${layer}_mpi ${mpi_sources} ${PROJECT_SOURCE_DIR}/tests/mpi_main.cpp)
    sluice_mpi_test(test_${layer}_mpi)
  endif()
  if(sources)
    sluice_test_target(test_${layer} ${sources})
    target_link_libraries(test_${layer} PRIVATE GTest::gtest_main)
    sluice_in_process_tests(${layer} "-*Soak.*" ${layer} 300)
    sluice_in_process_tests(${layer} "*Soak.*" soak 1800)
  endif()
endfunction()

function(sluice_in_process_tests layer filter label timeout)
  set(cores 1)
  if(layer IN_LIST SLUICE_THREADED_LAYERS)
    set(cores 2)
  endif()
  gtest_discover_tests(test_${layer} TEST_PREFIX ${layer}. TEST_FILTER ${filter}
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${timeout} LABELS ${label} PROCESSORS ${cores})
endfunction()

# One server for all tests of the program.
function(sluice_s3_test target)
  sluice_test_target(${target} ${ARGN} ${PROJECT_SOURCE_DIR}/tests/s3/server.cpp
    ${PROJECT_SOURCE_DIR}/tests/s3/proxy.cpp)
  target_compile_definitions(${target} PRIVATE SLUICE_WEED="${SLUICE_WEED}")
  target_link_libraries(${target} PRIVATE GTest::gtest_main)
  add_test(NAME ${target} COMMAND ${target} --gtest_filter=-*Soak.*)
  set_tests_properties(${target} PROPERTIES TIMEOUT 300 LABELS s3 PROCESSORS 2
    SKIP_REGULAR_EXPRESSION "no SeaweedFS here")
endfunction()

# Of a program whose suites named …Soak take longer.
function(sluice_s3_soak target)
  add_test(NAME soak.${target} COMMAND ${target} --gtest_filter=*Soak.*)
  set_tests_properties(soak.${target} PROPERTIES TIMEOUT 1800 LABELS soak PROCESSORS 2
    SKIP_REGULAR_EXPRESSION "no SeaweedFS here")
endfunction()

# Every rank runs every test (tests/mpi_main.cpp). Each mpirun has a folder for temporary files of its
# own: Open MPI's session folders get into each other's way in a shared one.
function(sluice_mpi_test target)
  foreach(ranks ${SLUICE_MPI_RANKS})
    sluice_mpirun_test(${target}_${ranks} ${target} ${ranks} ${ARGN})
  endforeach()
endfunction()

# sluice_mpirun_test(NAME TARGET RANKS [ENV VARIABLE=VALUE…] [ARGUMENT…])
function(sluice_mpirun_test name target ranks)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "ENV")
  set(scratch ${PROJECT_BINARY_DIR}/scratch/${name})
  file(MAKE_DIRECTORY ${scratch})
  math(EXPR cores "2 * ${ranks}")
  add_test(NAME ${name} COMMAND ${MPIEXEC_EXECUTABLE} --timeout 120 -n ${ranks}
    $<TARGET_FILE:${target}> ${arg_UNPARSED_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 150 LABELS mpi PROCESSORS ${cores}
    ENVIRONMENT "${SLUICE_MPI_ENVIRONMENT};TMPDIR=${scratch};${arg_ENV}")
endfunction()

# sluice_loss_test(NAME LABELS TRIALS PROGRAM SCRIPT): the script runs so many trials, in each of
# which ranks die, under mpirun --enable-recovery.
function(sluice_loss_test name labels trials program script)
  set(scratch ${PROJECT_BINARY_DIR}/scratch/${name})
  file(MAKE_DIRECTORY ${scratch})
  add_test(NAME ${name} COMMAND ${script} ${program} 1 ${trials})
  math(EXPR timeout "120 + 15 * ${trials}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}" PROCESSORS 2
    ENVIRONMENT "${SLUICE_MPI_ENVIRONMENT};TMPDIR=${scratch}")
endfunction()
