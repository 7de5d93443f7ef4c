#include "base/safe_text.hpp"
#include "runtime/debug_executor.hpp"
#include "runtime/gpus.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <algorithm>
#include <exception>
#include <numeric>

namespace sluice {
namespace {

bool over_mpi(Launch launch) {
  return launch == Launch::mpi || (launch == Launch::automatic && transport::launched_by_mpi());
}

void require_fitting(const RunOptions& options, Mode mode) {
  const bool part = !options.batch.from.empty() || !options.batch.only.empty();
  if (part && mode != Mode::batch) {
    throw UsageError(
        "only batch mode can run a part of a run again: it keeps what stages made; set mode = "
        "\"batch\" (--mode batch)");
  }
  if (options.retry && mode == Mode::batch) {
    throw UsageError(
        "a batch run cannot take its dead letters up again: its stages are finished one by one; "
        "run "
        "a job of their inputs instead");
  }
  if (options.resume && mode == Mode::debug) {
    throw UsageError("debug mode keeps no journal, so there is nothing that it could go on with");
  }
}

// One GPU cannot be shared by stages that all run at once.
Mode chosen_mode(Mode mode, int nodes) {
  if (mode != Mode::automatic) return mode;
  return nodes == 1 && runtime::visible_gpus().size() == 1 ? Mode::batch : Mode::streaming;
}

}  // namespace

RunStatus run_erased(const std::function<ErasedSpec()>& build, const RunOptions& launch_options) {
  const auto checked_for = [&](Mode mode) {
    return [&, mode] {
      auto spec = build();
      require_fitting(launch_options, mode);
      spec.options.mode = mode;
      runtime::validate(spec);
      runtime::require_runnable(spec);
      return spec;
    };
  };
  if (launch_options.mode == Mode::debug) {
    return is_coordinator() ? runtime::run_debug(checked_for(Mode::debug)()) : RunStatus{};
  }
  if (!over_mpi(launch_options.launch)) {
    const auto mode = chosen_mode(launch_options.mode, 1);
    return runtime::run_threads(checked_for(mode)(), mode);
  }
  const auto rank = transport::make_mpi_rank();
  const auto mode = chosen_mode(launch_options.mode, rank->nodes());
  return runtime::run_rank(*rank, checked_for(mode), mode);
}

bool is_coordinator() { return !transport::launched_by_mpi() || transport::launcher_rank() == 0; }

std::vector<std::size_t> order_of(const std::vector<RecordId>& ids) {
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return ids[a] < ids[b]; });
  return order;
}

int guard_main(const std::function<int()>& body) {
  try {
    return body();
  } catch (const RunStopped& stopped) {
    return static_cast<int>(stopped.code());
  } catch (const Error& error) {
    say_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    say_error(error.what());
    return static_cast<int>(ExitCode::internal);
  }
}

}  // namespace sluice
