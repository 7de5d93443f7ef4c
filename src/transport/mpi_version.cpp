#include "transport/mpi.hpp"
#include "transport/mpi_check.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <string>

namespace sluice::transport {
namespace {

std::string built_for() {
#ifdef OMPI_MAJOR_VERSION
  return fmt::format("Open MPI {}.{}.{}", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION,
                     OMPI_RELEASE_VERSION);
#else
  return fmt::format("an MPI {}.{}", MPI_VERSION, MPI_SUBVERSION);
#endif
}

// "Open MPI v4.1.4, package: …, ident: …"
std::string running() {
  std::string text(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  check_mpi(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  text.resize(std::min(text.find_first_of(",\n"), static_cast<std::size_t>(length)));
  const auto version = text.find(" v");
  if (version != std::string::npos) text.erase(version + 1, 1);
  return text;
}

}  // namespace

MpiVersions mpi_versions() { return {built_for(), running()}; }

}  // namespace sluice::transport
