# The target `docs`: pages of the public headers, in docs/html of the build folder. A warning fails it.
find_program(SLUICE_DOXYGEN doxygen DOC "Doxygen, for the target docs")
if(SLUICE_DOXYGEN)
  configure_file(docs/Doxyfile.in docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND ${SLUICE_DOXYGEN} ${PROJECT_BINARY_DIR}/docs/Doxyfile VERBATIM
    COMMENT "Pages of the public headers")
endif()
