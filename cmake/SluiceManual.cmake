# Manual pages and completion for shells, which the program itself writes. Not in a cross build, whose
# program does not run here, nor in one for sanitizers, which nobody installs.
if(CMAKE_CROSSCOMPILING OR SLUICE_IN_PROCESS_TESTS_ONLY)
  return()
endif()
set(manual_dir ${PROJECT_BINARY_DIR}/manual)
set(sluice_command $<TARGET_FILE:sluice_cli>)
add_custom_command(OUTPUT ${manual_dir}/made
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual_dir}
  COMMAND ${sluice_command} man --all ${manual_dir}/man1
  COMMAND sh -c "gzip -9n ${manual_dir}/man1/*.1"
  COMMAND ${sluice_command} completion bash > ${manual_dir}/sluice
  COMMAND ${sluice_command} completion zsh > ${manual_dir}/_sluice
  COMMAND ${sluice_command} completion fish > ${manual_dir}/sluice.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${manual_dir}/made
  DEPENDS sluice_cli VERBATIM COMMENT "Manual pages and completion")
add_custom_target(manual ALL DEPENDS ${manual_dir}/made)

install(DIRECTORY ${manual_dir}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT runtime)
install(FILES ${manual_dir}/sluice COMPONENT runtime
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual_dir}/sluice.fish COMPONENT runtime
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
# Debian's zsh looks elsewhere than zsh's own default.
foreach(folder vendor-completions site-functions)
  install(FILES ${manual_dir}/_sluice COMPONENT runtime
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${folder})
endforeach()
