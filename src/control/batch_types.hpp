#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace sluice::control {

/// Records of a stage's input, by their places in it.
struct Span {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  std::uint64_t end() const noexcept { return first + count; }
  bool operator==(const Span&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, count);
  }
};

// Commands of batch mode, beside Assign and Retire. A worker that is to retire first finishes the
// splits that it was given, and publishes what it made of them.

/// The worker processes these records, after those that it was given before. They lie in one piece
/// of the stage's input.
struct ProcessSplit {
  Rank rank = 0;
  std::uint64_t piece = 0;
  Span records;
};

/// Every record of the stage is covered by a published shard, and its workers have left: to the
/// coordinator itself.
struct CommitStage {
  std::uint64_t stage = 0;
};

using BatchCommand = std::variant<Assign, Retire, ProcessSplit, CommitStage>;
using BatchCommands = std::vector<BatchCommand>;

// Events of batch mode, beside NodeReady, WorkerReady and Left.

/// The worker began with the next of its splits: another may follow.
struct SplitBegun {
  Rank rank = 0;
};

/// What so many of the worker's records became is in a shard that was published.
struct Published {
  Rank rank = 0;
  std::uint64_t records = 0;
};

/// The stage's manifest is published.
struct Committed {
  std::uint64_t stage = 0;
};

using BatchEvent = std::variant<NodeReady, WorkerReady, SplitBegun, Published, Left, Committed>;

}  // namespace sluice::control
