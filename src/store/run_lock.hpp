#pragma once

#include "store/descriptor.hpp"
#include "store/run_owner.hpp"

#include <filesystem>
#include <optional>

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

  /// Who has it, as far as can be told without taking it: a process of another host that left it
  /// behind still counts.
  static std::optional<RunOwner> holder(const std::filesystem::path& run_dir);

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
