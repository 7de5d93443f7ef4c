# Warnings for our own targets, and ccache if it is there.
add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wpedantic
  -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${SLUICE_WERROR}>:-Werror>>)
set_target_properties(sluice_warnings PROPERTIES EXPORT_NAME warnings)

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SLUICE_CCACHE})
endif()
