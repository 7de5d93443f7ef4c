#include "transport/mpi.hpp"

#include <fmt/format.h>

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

bool is_set(std::initializer_list<const char*> variables) {
  for (const char* variable : variables) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}

bool started_by_mpirun() { return is_set({"OMPI_COMM_WORLD_SIZE"}); }

bool started_by_srun() { return !started_by_mpirun() && is_set({"SLURM_STEP_NUM_TASKS"}); }

}  // namespace

int launched_ranks() {
  return first_number({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, 1);
}

bool launched_by_mpi() { return launched_ranks() > 1; }

SrunPlugin srun_plugin() {
  if (!started_by_srun()) return SrunPlugin::not_srun;
  if (is_set({"PMIX_RANK", "PMIX_NAMESPACE"})) return SrunPlugin::pmix;
  return is_set({"PMI_FD", "PMI_RANK"}) ? SrunPlugin::pmi2 : SrunPlugin::none;
}

std::string alone_text() {
  const auto ranks = launched_ranks();
  if (started_by_srun()) {
    return fmt::format(
        "srun started {} tasks, but none of them finds the others: srun's MPI plugin is missing, "
        "or "
        "is none that this MPI knows. Type `srun --mpi=pmix …` instead (`srun --mpi=list` shows "
        "whether it is there), or `mpirun …` inside the allocation; `sluice doctor` says more",
        ranks);
  }
  return fmt::format(
      "the launcher started {} ranks, but none of them finds the others: it belongs to another MPI "
      "than the one that sluice runs with. Use the mpirun of that one (`which mpirun` shows which "
      "you have); `sluice doctor` says more",
      ranks);
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
