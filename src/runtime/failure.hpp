#pragma once

#include <sluice/error.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Why a rank cannot go on; travels to the coordinator, which knows the records' keys.
struct Failure {
  ExitCode code = ExitCode::internal;
  std::string where;  ///< "stage 'ocr'", or empty if the message says it
  std::string message;
  std::vector<std::uint64_t> origins;  ///< input records concerned: the one at fault, or the batch
  std::uint64_t attempts = 1;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(code, where, message, origins, attempts);
  }
};

/// Thrown instead of what user code threw, when that cannot be borne.
struct StageFailed {
  Failure failure;
};

/// Thrown out of user code, in a rank of a group, when the worker has been told something that
/// makes what it is doing pointless: the run ends, or begins again after a loss.
struct GroupInterrupted {};

/// A stage as the place of a failure.
std::string where_stage(const StageSpec& spec);

/// The exception as a failure. A RecordError concerns one record of the batch, others all of it;
/// `origins` are those of the batch's records.
Failure to_failure(const std::exception_ptr& error, const std::string& where,
                   const std::vector<std::uint64_t>& origins);

/// The failure as the error that the user sees: one paragraph with stage, record keys, message.
[[noreturn]] void throw_failure(const Failure& failure,
                                const std::function<std::string(std::size_t)>& key_of);

}  // namespace sluice::runtime
