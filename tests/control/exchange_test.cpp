#include "control/exchange.hpp"
#include "random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace sluice::control {
namespace {

using world::Random;
using Number = Exchange::Number;

// Ranks, the messages between them, and GPUs on which a transfer moves only while both of its ends
// are at the head of what was launched there, as with NCCL.
class World {
 public:
  World(std::size_t ranks, std::uint64_t seed, bool careful)
      : random_(seed), careful_(careful), ranks_(ranks) {}

  void want(Rank from, Rank to) {
    const Number number = ++numbers_;
    open_.insert(number);
    obey(from, careful_
                   ? ranks_[at(from)].exchange.want_to_send(to, number)
                   : Exchange::Commands{Exchange::Send{to, number}, Exchange::Offer{to, number}});
  }

  // One random thing that can happen; false if nothing can.
  bool step() {
    std::vector<std::function<void()>> can;
    for (auto& [way, messages] : wires_) {
      if (!messages.empty()) can.emplace_back([this, way = way] { deliver(way); });
    }
    for (Rank rank = 0; rank < static_cast<Rank>(ranks_.size()); ++rank) {
      const auto& sends = ranks_[at(rank)].sends;
      if (!sends.empty() && meets(rank, sends.front())) {
        can.emplace_back([this, rank] { transfer(rank); });
      }
    }
    if (can.empty()) return false;
    can[random_.between(0, can.size() - 1)]();
    return true;
  }

  void kill(Rank dead) {
    ranks_[at(dead)].alive = false;
    ranks_[at(dead)].sends.clear();
    ranks_[at(dead)].receives.clear();
    for (Rank rank = 0; rank < static_cast<Rank>(ranks_.size()); ++rank) {
      wires_.erase({rank, dead});
      wires_.erase({dead, rank});
      if (ranks_[at(rank)].alive) obey(rank, ranks_[at(rank)].exchange.lost(dead));
    }
    std::erase_if(open_, [&](Number number) {
      return ways_[number].first == dead || ways_[number].second == dead;
    });
  }

  // Both ends notice, and what is under way between them is stale.
  void cut(Rank from, Rank to) {
    for (const auto number : numbers_of(from, to)) {
      open_.erase(number);
      drop(wires_[{from, to}], number);
      drop(wires_[{to, from}], number);
    }
    obey(from, ranks_[at(from)].exchange.cut_to(to));
    obey(to, ranks_[at(to)].exchange.cut_from(from));
  }

  // So many receives of a hundred are not begun, for want of memory.
  void refuse(int percent) { refused_ = percent; }

  std::size_t open() const { return open_.size(); }
  std::size_t done() const { return done_; }
  std::size_t most_launched() const { return most_launched_; }
  bool alive(Rank rank) const { return ranks_[at(rank)].alive; }
  bool all_idle() const {
    return std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) {
      return !rank.alive || (rank.exchange.idle() && rank.sends.empty() && rank.receives.empty());
    });
  }

 private:
  struct Op {
    Rank peer = 0;
    Number number = 0;
  };
  struct Node {
    Exchange exchange;
    std::deque<Op> sends;
    std::deque<Op> receives;
    bool alive = true;
  };
  enum class Word { offer, cleared, refused };
  struct Message {
    Word word = Word::offer;
    Number number = 0;
  };
  using Way = std::pair<Rank, Rank>;

  static std::size_t at(Rank rank) { return static_cast<std::size_t>(rank); }

  std::vector<Number> numbers_of(Rank from, Rank to) const {
    std::vector<Number> numbers;
    for (const auto number : open_) {
      if (ways_.at(number) == Way{from, to}) numbers.push_back(number);
    }
    return numbers;
  }
  static void drop(std::deque<Message>& messages, Number number) {
    std::erase_if(messages, [=](const Message& message) { return message.number == number; });
  }

  bool meets(Rank from, const Op& send) const {
    const auto& receives = ranks_[at(send.peer)].receives;
    return !receives.empty() && receives.front().number == send.number &&
           receives.front().peer == from;
  }

  void deliver(const Way& way) {
    const auto message = wires_[way].front();
    wires_[way].pop_front();
    const auto [from, to] = way;
    auto& node = ranks_[at(to)];
    if (!careful_) {
      if (message.word == Word::offer) node.receives.push_back({from, message.number});
    } else if (message.word == Word::offer) {
      obey(to, node.exchange.offered(from, message.number));
    } else if (message.word == Word::cleared) {
      obey(to, node.exchange.cleared(from, message.number));
    } else {
      node.exchange.refused(from, message.number);
      open_.erase(message.number);
    }
  }

  void transfer(Rank from) {
    auto& node = ranks_[at(from)];
    const auto send = node.sends.front();
    auto& other = ranks_[at(send.peer)];
    node.sends.pop_front();
    other.receives.pop_front();
    EXPECT_EQ(open_.erase(send.number), 1U);
    ++done_;
    if (!careful_) return;
    obey(from, node.exchange.sent());
    obey(send.peer, other.exchange.received());
  }

  void obey(Rank rank, const Exchange::Commands& commands) {
    for (const auto& command : commands) {
      std::visit([&](const auto& order) { obey(rank, order); }, command);
    }
    const auto& node = ranks_[at(rank)];
    most_launched_ = std::max({most_launched_, node.sends.size(), node.receives.size()});
  }
  void obey(Rank rank, const Exchange::Offer& order) {
    ways_[order.number] = {rank, order.to};
    if (alive(order.to)) wires_[{rank, order.to}].push_back({Word::offer, order.number});
  }
  void obey(Rank rank, const Exchange::Receive& order) {
    auto& node = ranks_[at(rank)];
    if (random_.chance(refused_ / 100.0)) {
      wires_[{rank, order.from}].push_back({Word::refused, order.number});
      return obey(rank, node.exchange.received());
    }
    node.receives.push_back({order.from, order.number});
    wires_[{rank, order.from}].push_back({Word::cleared, order.number});
  }
  void obey(Rank rank, const Exchange::Send& order) {
    ranks_[at(rank)].sends.push_back({order.to, order.number});
  }
  void obey(Rank rank, const Exchange::Abandon& order) {
    auto& node = ranks_[at(rank)];
    auto& ops = order.sending ? node.sends : node.receives;
    ASSERT_FALSE(ops.empty());
    EXPECT_EQ(ops.front().number, order.number);
    ops.pop_front();
  }

  Random random_;
  bool careful_;
  int refused_ = 0;
  std::vector<Node> ranks_;
  std::map<Way, std::deque<Message>> wires_;
  std::map<Number, Way> ways_;
  std::set<Number> open_;
  Number numbers_ = 0;
  std::size_t done_ = 0;
  std::size_t most_launched_ = 0;
};

// Any rank to any other, in bursts.
void run_schedule(World& world, std::size_t ranks, std::uint64_t seed, double deaths,
                  double cuts = 0) {
  Random random(seed + 1'000'000);
  const auto any = [&] { return static_cast<Rank>(random.between(0, ranks - 1)); };
  for (int round = 0; round < 60; ++round) {
    for (auto burst = random.between(0, 4); burst > 0; --burst) {
      const Rank from = any();
      const Rank to = any();
      if (from != to && world.alive(from) && world.alive(to)) world.want(from, to);
    }
    if (random.chance(deaths)) world.kill(any());
    if (random.chance(cuts)) {
      const Rank from = any();
      const Rank to = any();
      if (from != to && world.alive(from) && world.alive(to)) world.cut(from, to);
    }
    for (auto steps = random.between(0, 6); steps > 0 && world.step(); --steps) {
    }
  }
  while (world.step()) {
  }
}

TEST(Exchange, FinishesEveryTransferInEverySchedule) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const std::size_t ranks = 2 + seed % 7;
    World world(ranks, seed, true);
    run_schedule(world, ranks, seed, 0);
    ASSERT_EQ(world.open(), 0U) << "seed " << seed;
    ASSERT_GT(world.done(), 0U);
    ASSERT_TRUE(world.all_idle()) << "seed " << seed;
    ASSERT_EQ(world.most_launched(), 1U) << "seed " << seed;
  }
}

TEST(Exchange, FinishesWhatIsLeftWhenRanksDie) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const std::size_t ranks = 3 + seed % 6;
    World world(ranks, seed, true);
    run_schedule(world, ranks, seed, 0.03);
    ASSERT_EQ(world.open(), 0U) << "seed " << seed;
    ASSERT_TRUE(world.all_idle()) << "seed " << seed;
  }
}

TEST(Exchange, FinishesWhatIsLeftWhenWaysAreCutAndOffersRefused) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    const std::size_t ranks = 3 + seed % 6;
    World world(ranks, seed, true);
    world.refuse(static_cast<int>(seed % 3) * 10);
    run_schedule(world, ranks, seed, seed % 2 == 0 ? 0.02 : 0, 0.2);
    ASSERT_EQ(world.open(), 0U) << "seed " << seed;
    ASSERT_TRUE(world.all_idle()) << "seed " << seed;
    ASSERT_EQ(world.most_launched(), 1U) << "seed " << seed;
  }
}

// So the worlds above are such that a deadlock shows.
TEST(Exchange, LaunchingEachAsItComesDeadlocksInSuchSchedules) {
  std::size_t stuck = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::size_t ranks = 2 + seed % 7;
    World world(ranks, seed, false);
    run_schedule(world, ranks, seed, 0);
    stuck += world.open() > 0 ? 1 : 0;
  }
  EXPECT_GT(stuck, 0U);
}

TEST(Exchange, ReceivesOneAfterTheOther) {
  Exchange exchange;
  EXPECT_EQ(exchange.offered(1, 7).size(), 1U);
  EXPECT_TRUE(exchange.offered(2, 8).empty());
  const auto next = exchange.received();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(std::get<Exchange::Receive>(next.front()).from, 2);
}

}  // namespace
}  // namespace sluice::control
