#pragma once

#include <spdlog/logger.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

/// The run's log: lines on standard error, each with the time, and in the log of the calling
/// thread's rank if that has one. SPDLOG_LEVEL=warn quiets it.
spdlog::logger& run_log();

/// Called before each line that the run's log writes to standard error, on whatever thread: what is
/// drawn there makes room. Null: nothing is drawn.
void before_log_lines(std::function<void()> make_room);

/// What is for the log of the calling thread's rank alone.
spdlog::logger& rank_log();

/// While it exists, the calling thread's rank has a log of its own, "logs/rank-N.log" in the run
/// directory; there what was logged before stays, up to a few megabytes. What cannot be written is
/// left out: no run stops for its log.
class RankLog {
 public:
  RankLog(const std::filesystem::path& run_dir, int rank, const std::string& node);
  ~RankLog();
  RankLog(const RankLog&) = delete;
  RankLog& operator=(const RankLog&) = delete;
};

/// What the calling thread's rank works at: it stands in front of each line of its log.
void log_stage(const std::string& stage);

/// As long as it exists, the lines name this record too.
class LoggedRecord {
 public:
  explicit LoggedRecord(std::string key);
  ~LoggedRecord();
  LoggedRecord(const LoggedRecord&) = delete;
  LoggedRecord& operator=(const LoggedRecord&) = delete;
};

}  // namespace sluice
