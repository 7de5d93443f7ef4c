#include "transport/mpi.hpp"

#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace sluice::transport {
namespace {

// The first of these variables that holds a number. Open MPI's own come first: under mpirun inside
// a Slurm job, Slurm's describe the launcher and not its ranks.
int first_number(std::initializer_list<const char*> variables, int otherwise) {
  for (const char* variable : variables) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    const std::string_view text(value);
    int number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    if (error == std::errc() && end == text.end()) return number;
  }
  return otherwise;
}

}  // namespace

bool launched_by_mpi() {
  return first_number({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, 1) > 1;
}

int launcher_rank() {
  if (!launched_by_mpi()) return 0;
  return first_number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
}

std::optional<std::chrono::milliseconds> launcher_patience() {
  if (first_number({"OMPI_COMM_WORLD_SIZE"}, 0) == 0) return std::nullopt;
  return std::chrono::seconds(first_number({"OMPI_MCA_odls_base_sigkill_timeout"}, 1));
}

}  // namespace sluice::transport
