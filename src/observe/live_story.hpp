#pragma once

#include "observe/report.hpp"

#include <sluice/run.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::observe {

/// What a live page shows: the pictures in the run directory, and the latest one, which is there
/// even if that is not. For any thread; `note` waits for nobody who reads.
class LiveStory {
 public:
  explicit LiveStory(std::filesystem::path run_dir) : run_dir_(std::move(run_dir)) {}

  void note(const RunStatus& status);
  /// For Prometheus; empty before the first picture.
  std::string metrics() const;
  /// As JSON. It is read anew at most once a second, and less often if that takes long: however
  /// many ask, that costs no more than a twentieth of a core.
  std::string data();
  std::string page();

 private:
  using Clock = std::chrono::steady_clock;

  std::shared_ptr<const Moment> latest() const;
  RunStory story() const;
  void refresh();

  const std::filesystem::path run_dir_;
  mutable std::mutex latest_mutex_;
  std::shared_ptr<const Moment> latest_;
  std::mutex data_mutex_;
  std::string data_;
  std::string page_;
  Clock::time_point fresh_until_;
};

}  // namespace sluice::observe
