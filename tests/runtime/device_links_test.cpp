// Payloads by links between processes that are all in this one, on emulated devices.
#include "control/random.hpp"
#include "gpu/emulated.hpp"
#include "gpu/emulated_link.hpp"
#include "runtime/device_handover.hpp"
#include "runtime/device_lane.hpp"
#include "runtime/variable.hpp"
#include "runtime/wire.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

namespace sluice::runtime {
namespace {

using control::Rank;
using control::world::Random;

constexpr std::size_t gpus = 3;

// Outlive all buffers.
std::array<std::unique_ptr<gpu::Device>, gpus>& devices() {
  static std::array<std::unique_ptr<gpu::Device>, gpus> opened{
      gpu::open_emulated(0), gpu::open_emulated(1), gpu::open_emulated(2)};
  return opened;
}

// Ranks that send each other payloads, and the messages between them.
class World {
 public:
  World(std::size_t ranks, std::uint64_t seed, DevicePath wish) : random_(seed), wish_(wish) {
    std::vector<int> nodes;
    for (std::size_t i = 0; i < ranks; ++i) nodes.push_back(static_cast<int>(i % 2));
    for (std::size_t i = 0; i < ranks; ++i) {
      places_.push_back(std::make_unique<Place>(static_cast<Rank>(i), nodes));
      sit(static_cast<Rank>(i), i % gpus);
    }
  }

  void sit(Rank rank, std::size_t gpu) {
    place(rank).handover.set(devices()[gpu].get(), true, wish_);
  }

  void send(Rank from, Rank to) {
    if (anybody_behind()) return;
    const auto number = ++last_;
    Data data{epoch_, number, 1, {}};
    for (auto left = random_.between(1, 3); left > 0; --left) {
      auto buffer = devices().front()->allocate(random_.between(0, 20'000));
      std::fill_n(reinterpret_cast<char*>(buffer.mutable_data()), buffer.size(), letter(number));
      data.records.attach(std::move(buffer));
      data.records.attach(Buffer::copy_of("host"));
      data.records.end_record({});
    }
    open_[number] = {from, to};
    auto& wire = place(from).wire;
    wire.send(pack(to, place(from).handover.outgoing(to, std::move(data))));
    collect(from);
  }

  // One random thing; false if there is nothing left to do.
  bool step() {
    std::vector<std::function<void()>> can;
    for (auto& [way, messages] : wires_) {
      if (!messages.empty()) can.emplace_back([this, way = way] { deliver(way); });
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i]->alive) can.emplace_back([this, i] { turn(static_cast<Rank>(i)); });
    }
    if (can.empty()) return false;
    can[random_.between(0, can.size() - 1)]();
    return !settled();
  }

  // The others hear of it later.
  void kill(Rank dead) {
    auto& gone = place(dead);
    gone.alive = false;
    gone.handover.forget(1);
    gone.wire.sent.clear();
    gone.wire.receivers.clear();
    for (auto& [way, messages] : wires_) {
      if (way.second == dead) messages.clear();
    }
    std::erase_if(open_, [&](const auto& each) {
      return each.second.first == dead || each.second.second == dead;
    });
    for (auto& each : places_) each->unheard.push_back(dead);
  }

  // All let go of what they have, one after the other, and before the last has nobody sends.
  void begin_again() {
    if (anybody_behind()) return;
    ++epoch_;
    open_.clear();
  }

  bool alive(Rank rank) { return place(rank).alive; }
  std::size_t open() const { return open_.size(); }
  std::uint64_t linked() const { return linked_; }
  std::size_t lent() const {
    std::size_t sum = 0;
    for (const auto& each : places_) sum += each->alive ? each->handover.lent() : 0;
    return sum;
  }
  bool settled() const {
    const auto quiet = [](const auto& each) {
      return !each->alive || (each->handover.links().idle() && each->unheard.empty());
    };
    return open_.empty() && !anybody_behind() &&
           std::all_of(places_.begin(), places_.end(), quiet) &&
           std::all_of(wires_.begin(), wires_.end(),
                       [](const auto& wire) { return wire.second.empty(); });
  }

 private:
  struct Place {
    Place(Rank rank, std::vector<int> nodes) : wire(rank, std::move(nodes)) {}
    Wire wire;
    DeviceHandover handover{wire};
    bool alive = true;
    std::uint64_t epoch = 0;
    std::vector<Rank> unheard;  ///< dead ranks of which it has not heard
  };
  using Way = std::pair<Rank, Rank>;

  static char letter(std::uint64_t number) { return static_cast<char>('a' + number % 26); }
  bool anybody_behind() const {
    return std::any_of(places_.begin(), places_.end(),
                       [this](const auto& each) { return each->alive && each->epoch != epoch_; });
  }
  Place& place(Rank rank) { return *places_.at(static_cast<std::size_t>(rank)); }

  void collect(Rank from) {
    auto& wire = place(from).wire;
    while (!wire.sent.empty()) {
      auto [to, message] = wire.take();
      if (place(to).alive) wires_[{from, to}].push_back(std::move(message));
    }
  }

  void turn(Rank rank) {
    auto& here = place(rank);
    if (!here.unheard.empty() && random_.chance(0.1)) {
      here.handover.links().lost(here.unheard.back());
      here.unheard.pop_back();
    }
    if (here.epoch != epoch_ && random_.chance(0.2)) {
      here.epoch = epoch_;
      here.handover.forget(epoch_);
    }
    here.handover.links().step();
    for (const auto& data : here.handover.links().take_arrived()) {
      ++linked_;
      arrived(rank, data);
    }
    collect(rank);
  }

  void deliver(const Way& way) {
    auto& here = place(way.second);
    auto packet = unpack(std::move(wires_[way].front()));
    wires_[way].pop_front();
    auto& links = here.handover.links();
    if (auto* data = std::get_if<Data>(&packet)) arrived(way.second, *data);
    if (auto* word = std::get_if<LinkOffer>(&packet)) links.on(*word);
    if (auto* word = std::get_if<LinkState>(&packet)) links.on(*word);
    if (auto* word = std::get_if<OfferedData>(&packet)) links.on(std::move(*word));
    if (auto* word = std::get_if<Cleared>(&packet)) links.on(*word);
    if (auto* word = std::get_if<Fetched>(&packet)) here.handover.on(*word);
    if (auto* shared = std::get_if<SharedData>(&packet)) {
      if (shared->data.epoch != here.epoch) return;
      if (const auto data = here.handover.incoming(std::move(*shared))) arrived(way.second, *data);
    }
    collect(way.second);
  }

  void arrived(Rank to, const Data& data) {
    if (data.epoch != epoch_) return;
    const auto it = open_.find(data.batch);
    if (it == open_.end()) {
      for (const auto& each : places_) dead_ = dead_ || !each->alive;
      EXPECT_TRUE(dead_) << "batch " << data.batch << " came twice";
      return;
    }
    EXPECT_EQ(it->second.second, to);
    for (std::size_t i = 0; i < data.records.size(); ++i) {
      const auto buffers = data.records.record_buffers(i);
      const auto bytes = buffers[0].to_host();
      EXPECT_EQ(bytes, Buffer::copy_of(std::string(bytes.size(), letter(data.batch))));
      EXPECT_EQ(buffers[1], Buffer::copy_of("host"));
    }
    open_.erase(it);
  }

  Random random_;
  DevicePath wish_;
  std::vector<std::unique_ptr<Place>> places_;
  std::map<Way, std::deque<transport::Message>> wires_;
  std::map<std::uint64_t, Way> open_;  ///< batches that have not come
  std::uint64_t epoch_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t linked_ = 0;
  bool dead_ = false;
};

struct Troubles {
  double deaths = 0;
  double moves = 0;  ///< to another GPU
  double new_epochs = 0;
};

class DeviceLinksTest : public ::testing::Test {
 protected:
  // Returns how many payloads came by links.
  static std::uint64_t play(std::uint64_t seed, DevicePath wish, Troubles troubles) {
    const std::size_t ranks = 2 + seed % 5;
    World world(ranks, seed, wish);
    Random random(seed + 1'000'000);
    const auto any = [&] { return static_cast<Rank>(random.between(0, ranks - 1)); };
    for (int round = 0; round < 40; ++round) {
      for (auto burst = random.between(0, 3); burst > 0; --burst) {
        const Rank from = any();
        const Rank to = any();
        if (from != to && world.alive(from) && world.alive(to)) world.send(from, to);
      }
      const Rank one = any();
      if (random.chance(troubles.deaths) && world.alive(one)) world.kill(one);
      if (random.chance(troubles.moves) && world.alive(any())) {
        const Rank mover = any();
        if (world.alive(mover)) world.sit(mover, random.between(0, gpus - 1));
      }
      if (random.chance(troubles.new_epochs)) world.begin_again();
      for (auto steps = random.between(0, 25); steps > 0; --steps) world.step();
    }
    int left = 100'000;
    while (world.step() && --left > 0) {
    }
    EXPECT_TRUE(world.settled()) << "seed " << seed << ": " << world.open() << " never came";
    if (troubles.deaths == 0) {
      EXPECT_EQ(world.lent(), 0U) << "seed " << seed;
    }
    return world.linked();
  }

  static void play_all(std::uint64_t first, std::uint64_t end) {
    for (auto seed = first; seed < end && !HasFailure(); ++seed) {
      const auto wish = seed % 2 == 0 ? DevicePath::nccl : DevicePath::automatic;
      const Troubles troubles{seed % 3 == 0 ? 0.03 : 0, seed % 4 == 0 ? 0.1 : 0,
                              seed % 5 == 0 ? 0.05 : 0};
      play(seed, wish, troubles);
    }
  }

  Variable emulated_{"SLUICE_GPU", "emulated:3"};
};

TEST_F(DeviceLinksTest, CarryAllOfManyInEverySchedule) {
  std::uint64_t linked = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) linked += play(seed, DevicePath::nccl, {});
  EXPECT_GT(linked, 100U);
}

TEST_F(DeviceLinksTest, LoseNothingWhenRanksDieAndMoveAndBeginAgain) { play_all(1'000, 1'150); }

using DeviceLinksSoak = DeviceLinksTest;

TEST_F(DeviceLinksSoak, LoseNothingWhenRanksDieAndMoveAndBeginAgain) { play_all(10'000, 20'000); }

TEST_F(DeviceLinksTest, OfOneGpuAreRefused) {
  World world(3, 1, DevicePath::nccl);
  world.sit(0, 0);
  world.sit(2, 0);  // on the same node
  for (int i = 0; i < 20; ++i) {
    world.send(0, 2);
    for (int steps = 0; steps < 50; ++steps) world.step();
  }
  EXPECT_TRUE(world.settled());
  EXPECT_EQ(world.linked(), 0U);
}

TEST(EmulatedLink, ThatLosesItsOtherEndSaysSo) {
  const auto id = gpu::new_emulated_id();
  auto& device = *devices().front();
  const auto sender = gpu::open_emulated_link(device, id, gpu::Link::End::sends);
  EXPECT_FALSE(sender->ready());
  auto receiver = gpu::open_emulated_link(device, id, gpu::Link::End::receives);
  ASSERT_TRUE(sender->ready());
  ASSERT_TRUE(receiver->ready());
  sender->send({device.allocate(std::size_t{1} << 22U)});
  EXPECT_FALSE(sender->idle()) << "it is more than a socket holds";
  receiver.reset();
  EXPECT_THROW(sender->idle(), Error);
  EXPECT_THROW(gpu::open_emulated_link(device, "nobody", gpu::Link::End::receives), Error);
}

}  // namespace
}  // namespace sluice::runtime
