#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace sluice::control {

using Rank = int;
using BatchId = std::uint64_t;
/// Since the start of the run; passed in, never read from a clock.
using Time = std::chrono::nanoseconds;

inline constexpr Rank coordinator = 0;

// Commands: what the coordinator tells ranks, itself included.

/// Become a worker of a stage. The first worker on a node is told to set up the node first, and
/// gets a second Assign, without `setup_node`, once that is done.
struct Assign {
  Rank rank = 0;
  std::uint64_t stage = 0;
  std::uint64_t worker = 0;   ///< number within the stage, never given twice
  std::uint64_t workers = 0;  ///< how many the stage has had so far
  bool setup_node = false;
  bool deliver = false;  ///< the last stage, whose outputs nobody wants: they end there
  /// The ranks that are this worker together, the primary first; empty if it is one rank. Each of
  /// them is told, and the primary alone says that the worker is ready.
  std::vector<Rank> group = {};
  std::uint64_t term = 0;  ///< of the group's work together; no other has the same
  /// Of its node, that are the rank's own; not sent, since ranks know them by other names.
  std::vector<std::uint32_t> gpus = {};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, stage, worker, workers, setup_node, deliver, group, term);
  }
};

/// The producer sends its next `records` records to the consumer, as part of its input batch
/// `batch`. `total` is the size of that batch if this is its last part, else 0.
struct Grant {
  Rank producer = 0;
  Rank consumer = 0;
  BatchId batch = 0;
  std::uint64_t records = 0;
  std::uint64_t total = 0;
  bool settled = false;  ///< a GrantAhead said so: the producer has sent them

  template <class Archive>
  void serialize(Archive& archive) {
    archive(producer, consumer, batch, records, total);
  }
};

/// The same beforehand: once the producer has outputs, it sends the first `most` of those of one
/// batch, or all if there are fewer. If it has nothing left to process first, it declines.
struct GrantAhead {
  Rank producer = 0;
  Rank consumer = 0;
  std::uint64_t channel = 0;
  BatchId batch = 0;
  std::uint64_t most = 0;  ///< the consumer's batch size

  template <class Archive>
  void serialize(Archive& archive) {
    archive(producer, consumer, channel, batch, most);
  }
};

/// The consumer's input batch is complete with `total` records: no further part will come.
struct Seal {
  Rank consumer = 0;
  BatchId batch = 0;
  std::uint64_t total = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(consumer, batch, total);
  }
};

/// Tear down and leave: the stage has ended, or the rank is to have another one.
struct Retire {
  Rank rank = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank);
  }
};

using Command = std::variant<Assign, Grant, GrantAhead, Seal, Retire>;
using Commands = std::vector<Command>;

// Events: what ranks report.

/// `setup_on_node` is done.
struct NodeReady {
  Rank rank = 0;
};

/// `setup` is done: the worker's slots are free.
struct WorkerReady {
  Rank rank = 0;
};

/// A worker took an input batch into `process`.
struct Taken {
  Rank rank = 0;
  BatchId batch = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_input = 0;  ///< that its first record descends from
};

/// Of a batch that was taken: its stage begins with it only now, or once more.
struct Begun {
  Rank rank = 0;
  BatchId batch = 0;
};

/// How the number of an input record's descendants changed; the same for `count` inputs from
/// `origin` on.
struct Descent {
  std::uint64_t origin = 0;
  std::int64_t change = 0;
  std::uint64_t count = 1;
};

using Descents = std::vector<Descent>;

/// A worker finished a batch; its outputs are now its backlog.
struct Finished {
  Rank rank = 0;
  BatchId batch = 0;
  std::uint64_t records = 0;  ///< outputs
  std::uint64_t bytes = 0;    ///< of the outputs
  bool delivered = false;     ///< the outputs go no further: nothing becomes backlog
  Descents descents;
  std::uint64_t filtered = 0;  ///< input records that came to nothing
};

/// A producer has no use for a GrantAhead.
struct Declined {
  Rank rank = 0;
  std::uint64_t channel = 0;
  BatchId batch = 0;
};

/// The coordinator encoded input records for a grant.
struct Admitted {
  std::uint64_t bytes = 0;
};

/// A retired worker has torn down.
struct Left {
  Rank rank = 0;
};

/// Nothing but time has passed.
struct Tick {};

using Event =
    std::variant<NodeReady, WorkerReady, Taken, Begun, Finished, Declined, Admitted, Left, Tick>;

/// Where a worker's time went, in seconds, since its first stage; in all its stages together.
struct Usage {
  double running = 0;  ///< in `process`
  double starved = 0;  ///< waiting for input
  double blocked = 0;  ///< waiting for room downstream
  double setup = 0;    ///< in setup_on_node, setup and teardown

  template <class Archive>
  void serialize(Archive& archive) {
    archive(running, starved, blocked, setup);
  }
};

}  // namespace sluice::control
