#pragma once

#include <sluice/encoded_batch.hpp>
#include <sluice/error.hpp>

#include <cstdint>
#include <string>

namespace sluice::runtime {

/// From the primary of a group to its other ranks: all do this now.
struct GroupCall {
  enum class Kind : std::uint8_t { setup, process, teardown };
  std::uint64_t term = 0;  ///< of the group, as in Assign
  std::uint64_t call = 0;  ///< counts the group's calls
  Kind kind = Kind::setup;
  std::string address;  ///< as in Group
  std::uint32_t port = 0;
  EncodedBatch batch;
};

/// What a rank of a group gives to an operation, on its way to the primary; and what came of it, on
/// its way back.
struct GroupPart {
  std::uint64_t term = 0;
  std::uint64_t call = 0;
  std::uint64_t step = 0;  ///< counts the call's operations
  std::uint32_t from = 0;  ///< in the group
  std::string what;
  std::string bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(term, call, step, from, what, bytes);
  }
};

/// Between a rank of a group and its primary: its part of the call is over.
struct GroupEnded {
  enum class Outcome : std::uint8_t {
    done,
    failed,   ///< by itself
    aborted,  ///< because another rank failed
    broken    ///< its process is gone
  };
  std::uint64_t term = 0;
  std::uint64_t call = 0;
  std::uint32_t from = 0;
  Outcome outcome = Outcome::done;
  ExitCode code = ExitCode::stage;
  std::string message;
  std::int64_t record = -1;  ///< of the batch, if one is at fault

  template <class Archive>
  void serialize(Archive& archive) {
    archive(term, call, from, outcome, code, message, record);
  }
};

}  // namespace sluice::runtime
