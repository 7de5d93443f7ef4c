# cmake -D COMPILER=… -D SOURCE=… -D INCLUDES=…;… -D OUTCOME=ACCEPTED|REFUSED -P check_compile.cmake
list(TRANSFORM INCLUDES PREPEND -I)
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${COMPILER} -std=c++20 -fsyntax-only ${INCLUDES} ${SOURCE}
  RESULT_VARIABLE status ERROR_VARIABLE complaint TIMEOUT 100)

if(OUTCOME STREQUAL "ACCEPTED")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${SOURCE} does not compile:\n${complaint}")
  endif()
  return()
endif()

if(status EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles, and must not")
endif()
file(READ ${SOURCE} text)
string(REGEX MATCH "^// error: ([^\n]+)\n" first_line "${text}")
if(NOT first_line)
  message(FATAL_ERROR "the first line of ${SOURCE} does not say which error it expects")
endif()
set(expected "${CMAKE_MATCH_1}")
string(FIND "${complaint}" "${expected}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "${SOURCE} fails to compile, but not with '${expected}':\n${complaint}")
endif()
