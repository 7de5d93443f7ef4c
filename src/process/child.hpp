#pragma once

#include "store/descriptor.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::process {

/// What to start, all of it decided: nothing is looked up, and no shell is involved.
struct ChildSpec {
  std::string program;                 ///< a path
  std::vector<std::string> arguments;  ///< from argv[0] on
  std::vector<std::string> variables;  ///< NAME=VALUE
  /// Becomes standard input, output, error, and 3, 4, …; the child has no other file open.
  std::vector<int> files;
  /// Whether it stays in our process group, so that it may read from the terminal.
  bool at_terminal = false;
};

/// A child process that dies when the thread that started it ends, and with this object: it, and
/// whatever else is in its process group then. For one thread.
class Child {
 public:
  /// Throws StageError if it cannot be started.
  explicit Child(const ChildSpec& spec);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// Becomes readable when the child ends; below 0 where the system has no such thing.
  int death() const noexcept { return death_.get(); }

  /// How it ended, as `waitpid` says; nothing if it has not within the time.
  std::optional<int> wait(std::chrono::nanoseconds longest);
  /// Ends it, and says how it ended.
  int kill();

 private:
  bool has_ended() const;
  int reap();

  pid_t pid_ = -1;
  bool in_own_group_;
  store::Descriptor death_;
  std::optional<int> status_;
};

/// "signal 11 (Segmentation fault)" or "exit code 3".
std::string status_text(int status);
/// Whether someone else ended it.
bool killed_by_others(int status);

}  // namespace sluice::process
