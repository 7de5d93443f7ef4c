#pragma once

#include "control/types.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

namespace sluice::control {

struct ChannelSpec {
  std::uint64_t batch_size = 1;   ///< records in a full input batch of a consumer
  std::uint64_t slots = 2;        ///< of each consumer
  Time batch_wait{0};             ///< how long an idle consumer waits for a partial batch to fill
  std::uint64_t byte_budget = 0;  ///< most bytes granted and not yet taken; 0: no limit
  std::uint64_t depth = 1;        ///< batches that each consumer may have in `process` at once

  /// Batches that a consumer may be granted before it has taken one.
  std::uint64_t prefetch() const { return std::max<std::uint64_t>(1, slots - 1); }
  /// Batches that a consumer may hold, in `process` or not.
  std::uint64_t most_held() const { return slots + depth - 1; }
};

/// Records, and their bytes.
struct Volume {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Matches the free slots of a channel's consumers with its producers' backlog. Pure.
///
/// A consumer of `slots` slots has `depth` batches in `process` and at most `slots - 1` (but at
/// least one) granted and not yet taken; a slot is reserved at the grant. It is idle while it could
/// take one more batch at once, and busy when it holds `depth`. A batch is filled by one or more
/// grants, so that small outputs coalesce into full batches. The longest-waiting backlog is served
/// first. It goes into a batch that an idle consumer waits for, else into a new batch for an idle
/// consumer, else into one that a busy consumer will get, else into a new batch for a busy one. A
/// new batch goes to a consumer on the producer's node if there is a choice, then to the one with
/// most free slots, then to the one served longest ago. Every misuse of a credit throws
/// InvariantError (DESIGN I4).
class Dispatcher {
 public:
  /// `nodes[r]` is the node of rank r.
  Dispatcher(ChannelSpec spec, std::vector<int> nodes) : spec_(spec), nodes_(std::move(nodes)) {}

  void add_consumer(Rank rank);
  /// The consumer gets no new batch, and the one that it is being granted is sealed as it is. Once
  /// it has finished all that it holds it is no consumer any more.
  void close(Rank rank, Commands& commands);
  bool has_consumer(Rank rank) const { return consumers_.contains(rank); }
  void backlog(Rank producer, std::uint64_t records, std::uint64_t bytes);
  /// The producer's backlog will not come: returns how many records that were not granted.
  std::uint64_t withdraw(Rank producer);
  /// Returns how many records the batch has.
  std::uint64_t taken(Rank consumer, BatchId batch);
  /// The same.
  std::uint64_t finished(Rank consumer, BatchId batch);
  /// Tells the producer beforehand where its next output goes, so that it need not wait for word
  /// between two batches. Only for a stage's only worker, while it has something to process: with
  /// several, one that takes long would keep a slot from the others (DESIGN I6). And only if a
  /// consumer could begin with a batch at once, or is the only one: else a better one may come
  /// free; and if the last output filled a batch, so that nothing else should join it.
  void grant_ahead(Rank producer, std::uint64_t channel, Commands& commands);
  /// The producer has made records: returns the part of them that went where it was told
  /// beforehand, which is no backlog any more.
  Volume settle(Rank producer, Volume made, Time now, Commands& commands);
  /// Returns the consumer.
  Rank declined(BatchId batch);
  /// Its producer has not said yet what it is.
  bool awaits(BatchId batch) const { return ahead_ && ahead_->batch == batch; }
  /// The consumer, if there is only one and it has taken something into `process`.
  std::optional<Rank> only_busy_consumer() const;

  /// No backlog will be announced any more.
  void end_of_input() { ended_ = true; }

  /// Appends the grants and seals that are due.
  void match(Time now, Commands& commands);

  /// When `match` must be called again though no event has come.
  std::optional<Time> deadline() const;

  /// The input has ended and everything is granted.
  bool drained() const { return ended_ && backlogs_.empty() && open_.empty() && !ahead_; }
  /// Drained, and every batch is finished.
  bool idle() const { return drained() && held_ == 0; }

 private:
  struct Backlog {
    Rank producer;
    std::uint64_t records;
    std::uint64_t bytes;
  };
  struct GrantedBatch {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  struct Consumer {
    std::map<BatchId, GrantedBatch> granted;   ///< not yet taken
    std::map<BatchId, std::uint64_t> running;  ///< records
    std::uint64_t served = 0;                  ///< when it last got a batch, in batches
    bool closing = false;

    std::uint64_t held() const { return granted.size() + running.size(); }
  };
  struct OpenBatch {
    Rank consumer;
    Time since;
  };
  /// (busy, slots held, served, rank): the least is served first.
  using Preference = std::tuple<bool, std::uint64_t, std::uint64_t, Rank>;

  bool has_room(const Consumer& consumer) const;
  void enlist(Rank rank, const Consumer& consumer);
  void delist(Rank rank, const Consumer& consumer);
  Preference preference(Rank rank, const Consumer& consumer) const;
  std::optional<Rank> choose(int node) const;
  std::uint64_t affordable(const Backlog& front) const;
  std::optional<BatchId> batch_to_fill(Time now);
  BatchId open_batch(Rank rank, Time now);
  BatchId reserve(Rank rank);
  void remove_if_done(Rank rank);
  void grant(BatchId batch, std::uint64_t records, Commands& commands);
  void seal(BatchId batch, Commands& commands);
  void seal_due(Time now, Commands& commands);
  bool is_awaited(const OpenBatch& open) const;
  Consumer& consumer(Rank rank);
  GrantedBatch& contents(BatchId open);

  ChannelSpec spec_;
  std::vector<int> nodes_;
  std::deque<Backlog> backlogs_;
  std::map<Rank, Consumer> consumers_;
  std::map<int, std::set<Preference>> room_on_node_;
  std::set<Preference> room_;
  std::map<BatchId, OpenBatch> open_;  ///< not yet sealed; at most one a consumer
  std::optional<GrantAhead> ahead_;    ///< not yet settled
  std::uint64_t last_output_ = 0;      ///< records that a producer made of one batch
  BatchId next_batch_ = 1;
  std::uint64_t waiting_ = 0;        ///< batches granted and not yet taken
  std::uint64_t held_ = 0;           ///< batches granted or running
  std::uint64_t granted_bytes_ = 0;  ///< granted and not yet taken
  bool ended_ = false;
};

}  // namespace sluice::control
