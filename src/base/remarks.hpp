#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

/// Tells what is said for the first time. Of texts that differ each time there may be as many as
/// there are records, so from some number on all are dropped.
class NewRemarks {
 public:
  explicit NewRemarks(std::size_t most) : most_(most) {}

  /// The text if it is new; once, in place of the first that is dropped, that some will be.
  std::optional<std::string> take(const std::string& text);

 private:
  std::size_t most_;
  std::set<std::string> said_;
  bool full_ = false;
};

/// While it exists, what the calling thread remarks (sluice/remark.hpp) is said once. It waits for
/// somebody to pass it on, or goes to the run's log at once, as what other threads remark does.
class Remarks {
 public:
  enum class Say { later, at_once };
  static constexpr std::size_t most = 100;

  explicit Remarks(Say when = Say::later);
  ~Remarks();
  Remarks(const Remarks&) = delete;
  Remarks& operator=(const Remarks&) = delete;

  /// Those of the calling thread since the last time.
  std::vector<std::string> take();
};

}  // namespace sluice
