# `cpack -G DEB` in the build folder makes four Debian packages: sluice, libsluice-dev, python3-sluice,
# sluice-jobs.
set(CPACK_PACKAGE_VENDOR "sluice")
set(CPACK_PACKAGE_CONTACT "The sluice maintainers <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime devel python)
if(TARGET sluice_tesseract)
  list(APPEND CPACK_COMPONENTS_ALL jobs)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The jobs' plugin needs the library of the other package.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME sluice)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "The program, its library, batch scripts for Slurm")

set(CPACK_DEBIAN_DEVEL_PACKAGE_NAME libsluice-dev)
set(CPACK_DEBIAN_DEVEL_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVEL_PACKAGE_DEPENDS "sluice (= ${PROJECT_VERSION}), libcereal-dev")
set(CPACK_COMPONENT_DEVEL_DESCRIPTION "Headers, to write stages and pipelines in C++")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-sluice)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9), python3-numpy")
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "The package sluice for Python, to write stages in it")

set(CPACK_DEBIAN_JOBS_PACKAGE_NAME sluice-jobs)
set(CPACK_DEBIAN_JOBS_PACKAGE_DEPENDS "sluice (= ${PROJECT_VERSION}), tesseract-ocr-eng")
set(CPACK_COMPONENT_JOBS_DESCRIPTION "Example jobs: text recognition of scanned pages")
include(CPack)
