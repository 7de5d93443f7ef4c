// Batch runs in virtual time: thousands of schedules, each unlike the others.
#include "control/batch_control.hpp"
#include "control/network.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <stdexcept>

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
  Attempt(const BatchScenario& scenario, Random& random, std::vector<Span>& input, Shelf& shelf)
      : scenario_(scenario),
        random_(random),
        network_(random, {Time(0), random.pick<Time>({Time(0), Time(1'000), Time(50'000)})}),
        control_(scenario.node_of_rank),
        input_(input),
        shelf_(shelf),
        workers_(scenario.ranks) {}

  /// False if it was broken off, after `most_steps`.
  bool run(std::uint64_t& stage, std::uint64_t most_steps) {
    for (; stage < scenario_.stages; ++stage) {
      begin(stage);
      while (!control_.idle()) {
        if (most_steps-- == 0) return false;
        require(network_.step(), "deadlock: nothing is under way");
      }
    }
    return true;
  }

 private:
  struct Worker {
    std::deque<Span> splits;
    std::uint64_t unpublished = 0;
    std::vector<Span> made;
    bool busy = false;
    bool retiring = false;
  };

  void begin(std::uint64_t stage) {
    stage_ = stage;
    OpenStage work;
    work.stage = stage;
    work.stage_of_rank.assign(scenario_.ranks, -1);
    for (std::uint64_t rank = 1; rank < scenario_.ranks; ++rank) {
      if (rank == 1 || random_.chance(0.8)) work.stage_of_rank[rank] = 0;
    }
    work.pieces = left();
    work.batch_size = random_.between(1, 20);
    work.most_records = random_.between(1, 200);
    work.always = random_.chance(0.3);
    carry_out(control_.begin(std::move(work)));
  }

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
    network_.send(from, coordinator, [this, event] { carry_out(control_.handle(event)); });
  }

  void receive(Rank rank, const BatchCommand& command) {
    auto& worker = workers_[static_cast<std::size_t>(rank)];
    if (const auto* assign = std::get_if<Assign>(&command)) {
      require(assign->stage == stage_, "a worker is assigned to a stage that is not under way");
      const bool node = assign->setup_node;
      worker.busy = true;
      network_.after(scenario_.setup[static_cast<std::size_t>(rank)], [this, rank, node, &worker] {
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
    auto& worker = workers_[static_cast<std::size_t>(rank)];
    if (worker.busy) return;
    if (!worker.splits.empty()) {
      const auto split = worker.splits.front();
      worker.splits.pop_front();
      worker.busy = true;
      tell(SplitBegun{rank}, rank);
      const auto time =
          scenario_.pace[static_cast<std::size_t>(rank)] * static_cast<Time::rep>(split.count);
      network_.after(time, [this, rank, split, &worker] {
        worker.busy = false;
        worker.made.push_back(split);
        if (random_.chance(0.3)) publish(rank);
        go_on(rank);
      });
    } else if (worker.retiring) {
      if (!worker.made.empty()) publish(rank);
      worker = {};
      tell(Left{rank}, rank);
    }
  }

  void publish(Rank rank) {
    auto& worker = workers_[static_cast<std::size_t>(rank)];
    std::uint64_t records = 0;
    for (const auto& span : worker.made) {
      records += span.count;
      for (auto record = span.first; record < span.end(); ++record) {
        require(++shelf_.covered[record] == 1, "a record is done twice");
      }
    }
    worker.made.clear();
    tell(Published{rank, records}, rank);
  }

  const BatchScenario& scenario_;
  Random& random_;
  Network network_;
  BatchControl control_;
  std::vector<Span>& input_;
  Shelf& shelf_;
  std::vector<Worker> workers_;
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
    Attempt attempt(scenario, random, input, shelf);
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
