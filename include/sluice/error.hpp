#pragma once

#include <stdexcept>
#include <string>

namespace sluice {

/// What the process returns to the shell; documented in docs/exit-codes.md.
enum class ExitCode : int {
  success = 0,
  internal = 1,  ///< a bug in sluice: a broken invariant, an unexpected failure of a library
  usage = 2,     ///< a bad command line or job file
  input = 3,     ///< the input is missing, empty or unreadable
  plugin = 4,    ///< a plugin is missing, or was built for another version
  launch = 5,    ///< too few ranks, or ranks that run different pipelines
  stage = 6,     ///< user code threw
  decode = 7,    ///< a record could not be decoded
  io = 8,        ///< an output could not be written
  stopped = 9,   ///< stopped early, as it was told to; what is done is safe, and it can be resumed
  hung = 10,     ///< something made no progress for too long
  lost = 11,     ///< a rank died, and the run cannot go on without it; it can be resumed
};

/// Base of every exception that sluice throws. `what()` is one paragraph for the user: what was
/// wrong, where (file, key, stage or record), and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// A bad job file, command line or spec.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitCode::usage, message) {}
};

/// The input is missing, empty or unreadable.
struct InputError : Error {
  explicit InputError(const std::string& message) : Error(ExitCode::input, message) {}
};

/// A plugin is missing, unloadable, or of another version.
struct PluginError : Error {
  explicit PluginError(const std::string& message) : Error(ExitCode::plugin, message) {}
};

/// Too few ranks, or ranks that disagree about what to run.
struct LaunchError : Error {
  explicit LaunchError(const std::string& message) : Error(ExitCode::launch, message) {}
};

/// A stage's own code threw; names the stage and the record. The code is that of the cause, if the
/// cause was an Error, so that an unreadable file or an unwritable output keeps its exit code.
struct StageError : Error {
  explicit StageError(const std::string& message, ExitCode code = ExitCode::stage)
      : Error(code, message) {}
};

/// A record's bytes do not fit its type.
struct DecodeError : Error {
  explicit DecodeError(const std::string& message) : Error(ExitCode::decode, message) {}
};

/// An output could not be written.
struct IoError : Error {
  explicit IoError(const std::string& message) : Error(ExitCode::io, message) {}
};

/// A broken invariant: a bug in sluice, never the user's fault.
struct InvariantError : Error {
  explicit InvariantError(const std::string& message)
      : Error(ExitCode::internal, "internal error (please report it): " + message) {}
};

/// Thrown on every rank but the coordinator when the run fails: the coordinator tells the user
/// why, so `guard_main` prints nothing for it.
struct RunStopped : Error {
  RunStopped(ExitCode code, const std::string& message) : Error(code, message) {}
};

}  // namespace sluice
