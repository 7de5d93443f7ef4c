# CUDA and NCCL, which are optional: AUTO takes what is there, ON fails without it, OFF leaves it
# out. Sets SLUICE_HAS_CUDA and SLUICE_HAS_NCCL. Nothing links the driver, so that what is built
# here also runs where there is none; NCCL is loaded when it is first needed.
set(SLUICE_CUDA AUTO CACHE STRING "Build with CUDA: AUTO, ON or OFF")
set(SLUICE_NCCL AUTO CACHE STRING "Build with NCCL, which needs CUDA: AUTO, ON or OFF")
set(SLUICE_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPU architectures to compile kernels for")
set_property(CACHE SLUICE_CUDA SLUICE_NCCL PROPERTY STRINGS AUTO ON OFF)
set(SLUICE_HAS_CUDA OFF)
set(SLUICE_HAS_NCCL OFF)

# sluice_wants(VARIABLE FOUND WHAT): whether the option asks for what was found.
function(sluice_wants option found what result)
  string(TOUPPER "${${option}}" wish)
  set(${result} OFF PARENT_SCOPE)
  if(wish STREQUAL "AUTO")
    if(NOT found)
      message(STATUS "${what} not found: building without it (${option}=ON makes this an error)")
    endif()
    set(${result} ${found} PARENT_SCOPE)
  elseif(wish)
    if(NOT found)
      message(FATAL_ERROR "${option} is ${wish}, but ${what} was not found")
    endif()
    set(${result} ON PARENT_SCOPE)
  endif()
endfunction()

set(cuda_found OFF)
if(SLUICE_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(cuda_found ON)
  endif()
endif()
sluice_wants(SLUICE_CUDA ${cuda_found} "CUDA's compiler" SLUICE_HAS_CUDA)

if(SLUICE_HAS_CUDA)
  set(CMAKE_CUDA_ARCHITECTURES ${SLUICE_CUDA_ARCHITECTURES})
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  find_path(SLUICE_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV NCCL_HOME
    PATH_SUFFIXES include)
  set(nccl_found OFF)
  if(SLUICE_NCCL_INCLUDE)
    set(nccl_found ON)
  endif()
  sluice_wants(SLUICE_NCCL ${nccl_found} "NCCL's header" SLUICE_HAS_NCCL)
elseif(SLUICE_NCCL AND NOT SLUICE_NCCL STREQUAL "AUTO")
  message(FATAL_ERROR "SLUICE_NCCL is ${SLUICE_NCCL}, but NCCL needs CUDA")
endif()

# sluice_kernels(TARGET SOURCE…): kernels in CUDA, as objects for a target that calls them. They are
# compiled apart from it: CMake 3.25 cannot ask nvcc for the C++20 that sluice's headers want.
function(sluice_kernels target)
  add_library(${target} OBJECT ${ARGN})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE -Xcompiler=-Wall,-Wextra,-Wshadow
    $<$<BOOL:${SLUICE_WERROR}>:-Werror=all-warnings>)
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON
    CUDA_RUNTIME_LIBRARY Static)
endfunction()
