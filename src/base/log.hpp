#pragma once

#include <spdlog/logger.h>

namespace sluice {

/// The run's log: lines on standard error, each with the time. SPDLOG_LEVEL=warn quiets it.
spdlog::logger& run_log();

}  // namespace sluice
