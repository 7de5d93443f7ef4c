#pragma once

#include "store/descriptor.hpp"

#include <filesystem>

namespace sluice::store {

/// Keeps a run directory for one run at a time, from its construction to its destruction, by the
/// file ".sluice.lock" there, which says whose it is. The kernel gives the lock up when the process
/// ends, however that happens. On a file system without locks (Lustre without `-o flock`) the file
/// itself is the lock: one of a process of this host that is gone does not count, but another
/// host's must be deleted by hand.
class RunLock {
 public:
  enum class Way { locked, file_alone };  ///< the second is for tests: as if there were no locks

  /// Throws UsageError, naming who has it, if another run does, and IoError.
  explicit RunLock(const std::filesystem::path& run_dir, Way way = Way::locked);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  bool take_lock();
  bool take_file();
  void sign() const;
  [[noreturn]] void refuse() const;
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  Descriptor file_;
};

}  // namespace sluice::store
