#include "store/run_lock.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <system_error>

namespace sluice::store {
namespace {

constexpr const char* lock_name = ".sluice.lock";

std::optional<RunOwner> owner_in(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return run_owner(line);
}

bool is_gone(const RunOwner& owner) {
  return owner.host == new_owner().host && ::kill(owner.pid, 0) != 0 && errno == ESRCH;
}

Descriptor open_file(const std::filesystem::path& path, int how) {
  return Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | how, 0666));
}

bool is_at(int file, const std::filesystem::path& path) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(file, &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

}  // namespace

std::optional<RunOwner> RunLock::holder(const std::filesystem::path& run_dir) {
  const auto owner = owner_in(run_dir / lock_name);
  return owner && !is_gone(*owner) ? owner : std::nullopt;
}

RunLock::RunLock(const std::filesystem::path& run_dir, Way way) : path_(run_dir / lock_name) {
  std::error_code error;
  std::filesystem::create_directories(run_dir, error);
  if (error) fail(error.value());
  if (!(way == Way::locked && take_lock()) && !take_file()) refuse();
  sign();
}

// Before the lock goes, so that it is not another's file.
RunLock::~RunLock() { ::unlink(path_.c_str()); }

// False if there are no locks here. Whoever had the lock removes the file; so a lock on a file that
// is not there any more is none.
bool RunLock::take_lock() {
  do {
    file_ = open_file(path_, 0);
    if (file_.get() < 0) fail(errno);
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) refuse();
      return false;
    }
  } while (!is_at(file_.get(), path_));
  return true;
}

// False if there is one that counts.
bool RunLock::take_file() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    file_ = open_file(path_, O_EXCL);
    if (file_.get() >= 0) return true;
    if (errno != EEXIST) fail(errno);
    const auto owner = owner_in(path_);
    if (!owner || !is_gone(*owner)) return false;
    ::unlink(path_.c_str());
  }
  return false;
}

void RunLock::sign() const {
  const auto line = to_json(new_owner()) + "\n";
  if (::ftruncate(file_.get(), 0) != 0) fail(errno);
  errno = ENOSPC;  // of a write that falls short
  if (::pwrite(file_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    fail(errno);
  }
}

void RunLock::refuse() const {
  const auto owner = owner_in(path_);
  throw UsageError(fmt::format(
      "another run works in '{}': {}; wait for it, or end it and go on with 'sluice resume'. If it "
      "is dead for sure, delete '{}'",
      path_.parent_path().string(), owner ? shown(*owner) : "it has only just begun",
      path_.string()));
}

void RunLock::fail(int error) const {
  throw IoError(fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                            path_.string(), std::generic_category().message(error)));
}

}  // namespace sluice::store
