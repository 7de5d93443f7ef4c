#pragma once

#include <string>
#include <vector>

namespace sluice {

/// While it exists, what the calling thread remarks (sluice/remark.hpp) waits for somebody to pass
/// it on; else it goes to the run's log.
class Remarks {
 public:
  Remarks();
  ~Remarks();
  Remarks(const Remarks&) = delete;
  Remarks& operator=(const Remarks&) = delete;

  /// Those of the calling thread since the last time.
  std::vector<std::string> take();
};

}  // namespace sluice
