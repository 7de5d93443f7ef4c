#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a file of a trace consists of: each entry with its length and kind in front. Times are
/// seconds of the clock of the rank's node.
namespace sluice::store {

/// What a rank does, one thing at a time.
enum class TraceState : std::uint32_t {
  setup_on_node,
  setup,
  teardown,
  process,
  starved,
  blocked,
  publish
};

/// Stands before all else of an attempt at a run.
struct TraceHead {
  std::uint64_t attempt = 0;  ///< the same for all ranks, and no other attempt has it
  std::int32_t rank = 0;
  std::int32_t node = 0;
  double clock = 0;  ///< of the node, when it was `wall` seconds after 1970
  double wall = 0;
  std::string host;
  std::string pipeline;
  std::vector<std::string> stages;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(attempt, rank, node, clock, wall, host, pipeline, stages);
  }
};

struct TraceSpan {
  TraceState state = TraceState::starved;
  std::uint32_t stage = 0;
  double begin = 0;
  double end = 0;
};

/// Of a batch in `process`, but for its keys.
struct TraceBatchFacts {
  TraceSpan span;
  std::uint64_t epoch = 0;
  std::uint64_t batch = 0;  ///< its number in its channel and epoch
  std::uint64_t input = 0;  ///< that its first record descends from
  std::uint64_t in = 0;     ///< records
  std::uint64_t out = 0;
  std::uint64_t failed = 0;
  std::uint64_t dead = 0;        ///< records given up
  std::uint64_t lane = 0;        ///< from 1 on, if batches overlap: no two of a lane do
  std::uint64_t unfinished = 0;  ///< something else ended it
};

/// A span in `process`.
struct TraceBatch : TraceBatchFacts {
  std::vector<std::string> keys;  ///< of its first records
};

/// Outputs of one of the rank's batches left for a consumer.
struct TraceSend {
  double at = 0;
  std::uint64_t stage = 0;  ///< of the producer
  std::uint64_t epoch = 0;
  std::uint64_t batch = 0;  ///< the consumer's input batch
  std::uint64_t records = 0;
  std::uint64_t made_by = 0;  ///< the producer's input batch that they came from
};

/// Here entries were left out, because the disk was too slow or the file had grown too large.
struct TraceGap {
  std::uint64_t entries = 0;
};

/// The rank ended, and nothing is missing but what gaps say.
struct TraceEnd {
  double at = 0;
};

using TraceEntry = std::variant<TraceHead, TraceSpan, TraceBatch, TraceSend, TraceGap, TraceEnd>;

}  // namespace sluice::store
