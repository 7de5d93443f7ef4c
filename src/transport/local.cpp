#include "transport/local.hpp"

#include <sluice/error.hpp>

#include "base/give_way.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace sluice::transport {
namespace {

// What others put into a rank's hands. Shared by all ends.
class Mailbox {
 public:
  void put(Message message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    arrived_.notify_one();
  }

  void notify() {
    {
      const std::lock_guard lock(mutex_);
      notified_ = true;
    }
    arrived_.notify_one();
  }

  std::optional<Message> take() {
    const std::lock_guard lock(mutex_);
    if (messages_.empty()) return std::nullopt;
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  void wait(std::chrono::nanoseconds longest) {
    give_way_.until([this] {
      const std::lock_guard lock(mutex_);
      return has_news();
    });
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, longest, [this] { return has_news(); });
    notified_ = false;
  }

 private:
  bool has_news() const { return notified_ || !messages_.empty(); }

  GiveWay give_way_;  ///< the reader's
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Message> messages_;
  bool notified_ = false;
};

struct LocalRank {
  Mailbox mailbox;
  std::atomic<bool> dead{false};
};

struct LocalWorld {
  explicit LocalWorld(std::size_t size) : ranks(size) {}

  LocalRank& at(Rank rank) { return ranks.at(static_cast<std::size_t>(rank)); }

  std::vector<LocalRank> ranks;
  std::atomic<std::size_t> deaths{0};
};

class LocalTransport final : public Transport {
 public:
  LocalTransport(Rank rank, std::shared_ptr<LocalWorld> world)
      : rank_(rank), world_(std::move(world)) {}

  Rank rank() const override { return rank_; }
  int size() const override { return static_cast<int>(world_->ranks.size()); }
  int node_of(Rank) const override { return 0; }
  int nodes() const override { return 1; }

  void send(Message message) override {
    require_alive();
    auto& receiver = world_->at(message.peer);
    if (receiver.dead || is_forgotten(message.peer)) return;
    message.peer = rank_;
    receiver.mailbox.put(std::move(message));
  }

  std::optional<Message> receive() override {
    require_alive();
    auto message = own().mailbox.take();
    while (message && is_forgotten(message->peer)) message = own().mailbox.take();
    return message;
  }

  void wait(std::chrono::nanoseconds longest) override {
    require_alive();
    if (known_deaths_ < world_->deaths) return;
    own().mailbox.wait(longest);
  }

  void notify() override { own().mailbox.notify(); }
  bool between_processes() const noexcept override { return false; }
  bool flush(std::chrono::nanoseconds) override { return true; }
  void begin_absence() override {}  // a message needs nobody's help to arrive
  void end_absence() override {}
  void look_in_absence(std::function<void()>, std::chrono::nanoseconds) override {}
  void set_caretaker(Caretaker*) override {}
  std::uint64_t heard(Rank) const override { return 0; }  // threads die with the others

  void with_mpi(const std::vector<Rank>&, std::uint64_t,
                const std::function<void(void*)>&) override {
    throw UsageError(
        "the ranks of this run are threads of one process, and MPI knows nothing of them: start it "
        "with mpirun or srun");
  }

  std::vector<Rank> take_lost() override {
    std::vector<Rank> lost;
    if (known_deaths_ == world_->deaths) return lost;
    for (Rank rank = 0; rank < size(); ++rank) {
      if (!world_->at(rank).dead || rank == rank_ || is_among(known_dead_, rank)) continue;
      lost.push_back(rank);
      known_dead_.push_back(rank);
    }
    known_deaths_ += lost.size();
    return lost;
  }

  void forget(Rank rank) override { forgotten_.push_back(rank); }

  void die() {
    if (own().dead.exchange(true)) return;
    ++world_->deaths;
    for (auto& rank : world_->ranks) rank.mailbox.notify();
  }

 private:
  static bool is_among(const std::vector<Rank>& ranks, Rank rank) {
    return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
  }
  bool is_forgotten(Rank rank) const { return is_among(forgotten_, rank); }
  LocalRank& own() { return world_->at(rank_); }
  void require_alive() {
    if (own().dead) throw RankIsDead{};
  }

  Rank rank_;
  std::shared_ptr<LocalWorld> world_;
  std::size_t known_deaths_ = 0;
  std::vector<Rank> known_dead_;
  std::vector<Rank> forgotten_;
};

}  // namespace

std::vector<std::unique_ptr<Transport>> make_local_ranks(int size) {
  auto world = std::make_shared<LocalWorld>(static_cast<std::size_t>(size));
  std::vector<std::unique_ptr<Transport>> ranks;
  ranks.reserve(world->ranks.size());
  for (Rank rank = 0; rank < size; ++rank) {
    ranks.push_back(std::make_unique<LocalTransport>(rank, world));
  }
  return ranks;
}

void kill_local_rank(Transport& end) { dynamic_cast<LocalTransport&>(end).die(); }

}  // namespace sluice::transport
