#include "base/log.hpp"

#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace sluice {

spdlog::logger& run_log() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("sluice",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    spdlog::initialize_logger(made);
    spdlog::cfg::load_env_levels();
    made->set_pattern("%H:%M:%S sluice: %v");
    return made;
  }();
  return *logger;
}

}  // namespace sluice
