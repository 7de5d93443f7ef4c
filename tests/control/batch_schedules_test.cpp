// Batch runs in virtual time: thousands of schedules, each unlike the others.
#include "control/batch_control.hpp"
#include "control/network.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace sluice::control::world {
namespace {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const std::string& what) {
  if (!holds) throw Broken(what);
}

struct BatchScenario {
  explicit BatchScenario(Random& random) {
    ranks = random.between(2, 9);
    const auto nodes = random.between(1, 3);
    for (std::uint64_t rank = 0; rank < ranks; ++rank) {
      node_of_rank.push_back(static_cast<int>(random.between(0, nodes - 1)));
      pace.push_back(random.pick<Time>({Time(0), Time(100), Time(1'000), Time(100'000)}));
      setup.push_back(random.pick<Time>({Time(0), Time(10'000), Time(10'000'000)}));
    }
    stages = random.between(1, 4);
  }

  std::uint64_t ranks;
  std::uint64_t stages;
  std::vector<int> node_of_rank;
  std::vector<Time> pace;  ///< a record, by rank
  std::vector<Time> setup;
};

/// What the store holds of the stage under way; it outlives a run that is broken off.
struct Shelf {
  std::map<std::uint64_t, int> covered;  ///< how often each record is in a published shard
};

/// One start of a run, until it ends or is broken off.
class Attempt {
 public:
  Attempt(const BatchScenario& scenario, Random& random, std::vector<Span>& input, Shelf& shelf,
          bool left_alone)
      : scenario_(scenario),
        random_(random),
        network_(random, {Time(0), random.pick<Time>({Time(0), Time(1'000), Time(50'000)})}),
        control_(scenario.node_of_rank),
        input_(input),
        shelf_(shelf),
        workers_(scenario.ranks),
        dead_(scenario.ranks, false) {
    if (!left_alone && random_.chance(0.2)) {
      network_.after(random_.between(Time(0), Time(30'000'000)), [this] { stop(); });
    }
    if (!random_.chance(0.5)) return;
    for (auto deaths = random_.between(1, 3); deaths > 0; --deaths) {
      const auto rank = static_cast<Rank>(random_.between(1, scenario.ranks - 1));
      const auto latest = random_.pick<Time>({Time(1'000'000), Time(60'000'000)});
      network_.after(random_.between(Time(0), latest), [this, rank] { die(rank); });
    }
  }

  /// False if it was broken off, after `most_steps` or by a stop.
  bool run(std::uint64_t& stage, std::uint64_t most_steps) {
    for (; stage < scenario_.stages; ++stage) {
      begin(stage);
      while (!control_.idle()) {
        if (most_steps-- == 0) return false;
        require(network_.step(), "deadlock: nothing is under way");
      }
      if (control_.unfinished()) return false;
      if (stopped_ && stage + 1 < scenario_.stages) {
        ++stage;
        return false;
      }
    }
    return true;
  }

 private:
  struct Worker {
    std::deque<Span> splits;
    std::vector<Span> made;
    std::deque<std::vector<Span>> untold;  ///< published, and the coordinator does not know it yet
    bool busy = false;
    bool retiring = false;
  };

  void begin(std::uint64_t stage) {
    stage_ = stage;
    OpenStage work;
    work.stage = stage;
    work.stage_of_rank.assign(scenario_.ranks, -1);
    stage_of_rank_ = by_lot(0.8);
    work.stage_of_rank = stage_of_rank_;
    work.pieces = left();
    work.batch_size = random_.between(1, 20);
    work.most_records = random_.between(1, 200);
    work.always = random_.chance(0.3);
    carry_out(control_.begin(std::move(work)));
  }

  // One of those that are left at least.
  std::vector<int> by_lot(double chance) {
    std::vector<int> stage_of_rank(scenario_.ranks, -1);
    bool any = false;
    for (std::uint64_t rank = 1; rank < scenario_.ranks; ++rank) {
      if (lost_.contains(static_cast<Rank>(rank)) || (any && !random_.chance(chance))) continue;
      stage_of_rank[rank] = 0;
      any = true;
    }
    require(any, "no rank is left");
    return stage_of_rank;
  }

  void stop() {
    if (control_.idle() || std::exchange(stopped_, true)) return;
    for (std::uint64_t rank = 1; rank < scenario_.ranks; ++rank) {
      const auto to = static_cast<Rank>(rank);
      network_.send(coordinator, to, [this, to] { workers_[index(to)].splits.clear(); });
    }
    carry_out(control_.stop());
  }

  // The last one lives. What it has sent last may be lost with it.
  void die(Rank rank) {
    if (dead_[index(rank)] || std::count(dead_.begin() + 1, dead_.end(), false) == 1) return;
    dead_[index(rank)] = true;
    network_.after(random_.between(Time(0), Time(1'000'000)), [this, rank] { lose(rank); });
  }

  void lose(Rank rank) {
    lost_.insert(rank);
    for (const auto& spans : std::exchange(workers_[index(rank)].untold, {})) {
      for (const auto& span : spans) {
        for (auto record = span.first; record < span.end(); ++record) shelf_.covered.erase(record);
      }
    }
    if (control_.idle()) return carry_out(control_.lose(rank, stage_of_rank_));
    stage_of_rank_[index(rank)] = -1;
    if (std::count(stage_of_rank_.begin(), stage_of_rank_.end(), 0) == 0) {
      stage_of_rank_ = by_lot(0.3);
    }
    carry_out(control_.lose(rank, stage_of_rank_));
  }

  static std::size_t index(Rank rank) { return static_cast<std::size_t>(rank); }

  // The parts of the input that no published shard covers.
  std::vector<Span> left() const {
    std::vector<Span> pieces;
    for (const auto& piece : input_) {
      Span part{piece.first, 0};
      for (auto record = piece.first; record < piece.end(); ++record) {
        if (!shelf_.covered.contains(record)) {
          ++part.count;
          continue;
        }
        if (part.count > 0) pieces.push_back(part);
        part = {record + 1, 0};
      }
      if (part.count > 0) pieces.push_back(part);
    }
    return pieces;
  }

  void carry_out(const BatchCommands& commands) {
    for (const auto& command : commands) {
      if (const auto* commit = std::get_if<CommitStage>(&command)) {
        this->commit(*commit);
        continue;
      }
      const auto rank = std::visit(
          [](const auto& c) {
            if constexpr (requires { c.rank; }) return c.rank;
            return coordinator;
          },
          command);
      network_.send(coordinator, rank, [this, rank, command] { receive(rank, command); });
    }
  }

  void commit(const CommitStage& order) {
    require(order.stage == stage_, "a stage is committed that is not under way");
    std::uint64_t records = 0;
    for (const auto& piece : input_) records += piece.count;
    require(shelf_.covered.size() == records, "a stage is committed and not covered");
    for (const auto& [record, times] : shelf_.covered) {
      require(times == 1, fmt::format("record {} is covered {} times", record, times));
    }
    // What this stage made is the next one's input, in other pieces.
    input_.clear();
    std::uint64_t first = 0;
    for (auto pieces = random_.between(0, 6); pieces > 0; --pieces) {
      input_.push_back({first, random_.between(0, 100)});
      first += input_.back().count;
    }
    shelf_.covered.clear();
    carry_out(control_.handle(Committed{order.stage}));
  }

  void tell(const BatchEvent& event, Rank from) {
    network_.send(from, coordinator, [this, event, from] {
      if (lost_.contains(from)) return;
      if (std::holds_alternative<Published>(event)) workers_[index(from)].untold.pop_front();
      carry_out(control_.handle(event));
    });
  }

  void receive(Rank rank, const BatchCommand& command) {
    auto& worker = workers_[index(rank)];
    if (dead_[index(rank)]) return;
    if (const auto* assign = std::get_if<Assign>(&command)) {
      require(assign->stage == stage_, "a worker is assigned to a stage that is not under way");
      const bool node = assign->setup_node;
      worker.busy = true;
      network_.after(scenario_.setup[index(rank)], [this, rank, node, &worker] {
        if (dead_[index(rank)]) return;
        worker.busy = false;
        tell(node ? BatchEvent(NodeReady{rank}) : BatchEvent(WorkerReady{rank}), rank);
        go_on(rank);
      });
    } else if (const auto* split = std::get_if<ProcessSplit>(&command)) {
      require(!worker.retiring, "a worker that retires is given a split");
      worker.splits.push_back(split->records);
      require(worker.splits.size() <= 2, "a worker holds more than one split to come");
    } else {
      worker.retiring = true;
    }
    go_on(rank);
  }

  void go_on(Rank rank) {
    auto& worker = workers_[index(rank)];
    if (worker.busy) return;
    if (!worker.splits.empty()) {
      const auto split = worker.splits.front();
      worker.splits.pop_front();
      worker.busy = true;
      tell(SplitBegun{rank}, rank);
      const auto time = scenario_.pace[index(rank)] * static_cast<Time::rep>(split.count);
      network_.after(time, [this, rank, split, &worker] {
        if (dead_[index(rank)]) return;
        worker.busy = false;
        worker.made.push_back(split);
        if (random_.chance(0.3)) publish(rank);
        go_on(rank);
      });
    } else if (worker.retiring) {
      if (!worker.made.empty()) publish(rank);
      worker.retiring = false;
      tell(Left{rank}, rank);
    }
  }

  void publish(Rank rank) {
    auto& worker = workers_[index(rank)];
    std::uint64_t records = 0;
    for (const auto& span : worker.made) {
      records += span.count;
      for (auto record = span.first; record < span.end(); ++record) {
        require(++shelf_.covered[record] == 1, "a record is done twice");
      }
    }
    worker.untold.push_back(std::exchange(worker.made, {}));
    tell(Published{rank, records}, rank);
  }

  const BatchScenario& scenario_;
  Random& random_;
  Network network_;
  BatchControl control_;
  std::vector<Span>& input_;
  Shelf& shelf_;
  std::vector<Worker> workers_;
  std::vector<bool> dead_;
  std::set<Rank> lost_;  ///< those of the dead that the coordinator knows of
  std::vector<int> stage_of_rank_;
  bool stopped_ = false;
  std::uint64_t stage_ = 0;
};

void explore(std::uint64_t seed) {
  Random random(seed);
  const BatchScenario scenario(random);
  std::vector<Span> input{{0, random.between(0, random.pick<std::uint64_t>({5, 300}))}};
  Shelf shelf;
  std::uint64_t stage = 0;
  // Broken off some times, then left alone; what was published stays.
  for (auto breaks = random.between(0, 4);; --breaks) {
    const auto steps = breaks == 0 ? 1'000'000 : random.between(0, 400);
    Attempt attempt(scenario, random, input, shelf, breaks == 0);
    if (attempt.run(stage, steps)) return;
    require(breaks > 0, "the run comes to no end");
  }
}

void explore(std::uint64_t first, std::uint64_t count) {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    first = std::stoull(seed);
    count = 1;
  }
  for (auto seed = first; seed < first + count; ++seed) {
    try {
      explore(seed);
    } catch (const std::exception& error) {
      FAIL() << "SLUICE_SEED=" << seed << " replays it: " << error.what();
    }
  }
}

TEST(BatchSchedules, EveryRecordIsDoneOnceInThousands) { explore(1, 4'000); }

TEST(BatchSchedulesSoak, EveryRecordIsDoneOnceInAHundredThousand) { explore(1'000'000, 100'000); }

}  // namespace
}  // namespace sluice::control::world
