# `cmake --install`, and the package that find_package(sluice) finds. The components are the Debian
# packages of SluicePackage.cmake.
include(CMakePackageConfigHelpers)

install(TARGETS sluice EXPORT sluiceTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT devel)
install(TARGETS sluice_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(DIRECTORY include/sluice ${PROJECT_BINARY_DIR}/include/sluice
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT devel FILES_MATCHING PATTERN "*.hpp")

install(FILES share/grafana/sluice-run.json DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice/grafana
  COMPONENT runtime)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
install(EXPORT sluiceTargets NAMESPACE sluice:: DESTINATION ${package_dir} COMPONENT devel)
configure_package_config_file(cmake/sluiceConfig.cmake.in sluiceConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(sluiceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sluiceConfig.cmake
  ${PROJECT_BINARY_DIR}/sluiceConfigVersion.cmake DESTINATION ${package_dir} COMPONENT devel)

set(data_dir ${CMAKE_INSTALL_DATADIR}/sluice)
install(DIRECTORY jobs/slurm DESTINATION ${data_dir}/jobs COMPONENT runtime)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime
  FILES_MATCHING PATTERN "*.md")
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT runtime)
configure_file(cmake/modulefile.in modulefile @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/modulefile DESTINATION ${CMAKE_INSTALL_DATADIR}/modulefiles/sluice
  RENAME ${PROJECT_VERSION} COMPONENT runtime)

if(TARGET sluice_tesseract)
  install(TARGETS sluice_tesseract LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/sluice COMPONENT jobs)
  install(TARGETS compare_pages RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/sluice COMPONENT jobs)
  set_target_properties(sluice_tesseract PROPERTIES INSTALL_RPATH "$ORIGIN/..")
  install(DIRECTORY jobs/annotate-documents DESTINATION ${data_dir}/jobs COMPONENT jobs
    USE_SOURCE_PERMISSIONS PATTERN "*.cpp" EXCLUDE PATTERN "CMakeLists.txt" EXCLUDE
    PATTERN "__pycache__" EXCLUDE)
endif()

# Where Debian's python3 looks, so for its packages alone: elsewhere, and in environments, pip does it.
install(DIRECTORY python/sluice DESTINATION lib/python3/dist-packages COMPONENT python EXCLUDE_FROM_ALL
  PATTERN "__pycache__" EXCLUDE)
