# sluice_layer_tests(LAYER): tests/LAYER/*_test.cpp become the executable test_LAYER, whose tests
# ctest runs one by one; tests/LAYER/*_mpi_test.cpp become test_LAYER_mpi, which runs under mpirun
# at 1, 2, 4 and 8 ranks.
set(SLUICE_MPI_RANKS 1 2 4 8)
set(SLUICE_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  OMPI_MCA_mpi_yield_when_idle=1)

function(sluice_test_target name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE sluice_warnings sluice::sluice GTest::gtest GTest::gmock
    fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json Threads::Threads)
endfunction()

function(sluice_layer_tests layer)
  file(GLOB sources CONFIGURE_DEPENDS ${layer}/*_test.cpp)
  file(GLOB mpi_sources CONFIGURE_DEPENDS ${layer}/*_mpi_test.cpp)
  if(mpi_sources)
    list(REMOVE_ITEM sources ${mpi_sources})
    sluice_test_target(test_${layer}_mpi ${mpi_sources} ${PROJECT_SOURCE_DIR}/tests/mpi_main.cpp)
    sluice_mpi_test(test_${layer}_mpi)
  endif()
  if(sources)
    sluice_test_target(test_${layer} ${sources})
    target_link_libraries(test_${layer} PRIVATE GTest::gtest_main)
    gtest_discover_tests(test_${layer} TEST_PREFIX ${layer}. DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 300 LABELS ${layer})
  endif()
endfunction()

# Every rank runs every test (tests/mpi_main.cpp).
function(sluice_mpi_test target)
  foreach(ranks ${SLUICE_MPI_RANKS})
    add_test(NAME ${target}_${ranks} COMMAND ${MPIEXEC_EXECUTABLE} --timeout 120 -n ${ranks}
      $<TARGET_FILE:${target}> ${ARGN})
    set_tests_properties(${target}_${ranks} PROPERTIES TIMEOUT 150 LABELS mpi
      ENVIRONMENT "${SLUICE_MPI_ENVIRONMENT}")
  endforeach()
endfunction()
