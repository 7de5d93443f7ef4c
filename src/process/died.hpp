#pragma once

#include <sluice/error.hpp>

namespace sluice::process {

/// The process is gone, or was sent away because what it said made no sense.
struct ProcessDied : StageError {
  ProcessDied(const std::string& message, bool killed_by_others)
      : StageError(message), killed(killed_by_others) {}
  bool killed;  ///< by someone else, and so not for what it was doing
};

/// Something about the process' words or tables that the protocol does not allow.
struct Garbage : StageError {
  using StageError::StageError;
};

}  // namespace sluice::process
