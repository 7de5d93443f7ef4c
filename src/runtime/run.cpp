#include "runtime/debug_executor.hpp"
#include "runtime/spec.hpp"
#include "runtime/streaming_executor.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <numeric>

namespace sluice {
namespace {

bool over_mpi(Launch launch) {
  return launch == Launch::mpi || (launch == Launch::automatic && transport::launched_by_mpi());
}

}  // namespace

RunStatus run_erased(const std::function<ErasedSpec()>& build, const RunOptions& launch_options) {
  const auto checked = [&build] {
    auto spec = build();
    runtime::validate(spec);
    runtime::require_runnable(spec);
    return spec;
  };
  if (launch_options.mode == Mode::debug) {
    return is_coordinator() ? runtime::run_debug(checked()) : RunStatus{};
  }
  if (over_mpi(launch_options.launch)) return runtime::run_streaming_mpi(checked);
  return runtime::run_streaming_threads(checked());
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
    std::fprintf(stderr, "sluice: error: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice: error: %s\n", error.what());
    return static_cast<int>(ExitCode::internal);
  }
}

}  // namespace sluice
