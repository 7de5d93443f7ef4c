#include "transport/mpi_check.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <mpi.h>

#include <string_view>

namespace sluice::transport {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ExitCode::internal,
              fmt::format("{} failed: {}; the run cannot go on, look at the node's network and "
                          "shared memory",
                          call, std::string_view(text, static_cast<std::size_t>(length))));
}

}  // namespace sluice::transport
