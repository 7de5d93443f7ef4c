#include "gpu/feeder.hpp"

#include "gpu/emulated.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::gpu {
namespace {

// An emulated device's copies, which end in any order.
class SlowCopies final : public Copies {
 public:
  SlowCopies(std::unique_ptr<Copies> copies, std::uint64_t seed)
      : copies_(std::move(copies)), random_(seed) {}
  void start(Ticket ticket, std::vector<Buffer> buffers) override {
    copies_->start(ticket, std::move(buffers));
  }
  bool done(Ticket) const override { return random_() % 3 == 0; }
  std::vector<Buffer> take(Ticket ticket) override { return copies_->take(ticket); }
  void drop(Ticket ticket) override { copies_->drop(ticket); }

 private:
  std::unique_ptr<Copies> copies_;
  mutable std::mt19937_64 random_;
};

EncodedBatch batch_of(std::string_view text, std::size_t records) {
  EncodedBatch batch;
  for (std::size_t i = 0; i < records; ++i) {
    batch.attach(Buffer::copy_of(std::string(5000, text[i % text.size()])));
    batch.end_record({});
  }
  return batch;
}

class FeederTest : public testing::Test {
 protected:
  std::unique_ptr<Device> device_ = open_emulated(0);
};

TEST_F(FeederTest, PutsTheBuffersOfABatchOnTheDevice) {
  Feeder feeder(device_->open_copies(), 1 << 20U);
  const auto host = batch_of("ab", 2);
  feeder.expect(1, host);
  const auto moved = feeder.take(1, host);
  ASSERT_EQ(moved.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& buffer = moved.record_buffers(i)[0];
    EXPECT_TRUE(device_->holds(buffer));
    EXPECT_EQ(buffer.to_host(), host.record_buffers(i)[0]);
  }
}

TEST_F(FeederTest, LeavesWhatIsThereAlreadyWhereItIs) {
  Feeder feeder(device_->open_copies(), 1 << 20U);
  EncodedBatch batch;
  const auto there = device_->allocate(5000);
  batch.attach(there);
  batch.end_record({});
  EXPECT_EQ(feeder.take(1, batch).buffers()[0].data(), there.data());
}

TEST_F(FeederTest, FeedsEveryBatchOfAnySchedule) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    Feeder feeder(std::make_unique<SlowCopies>(device_->open_copies(), seed), 20'000);
    std::uint64_t next = 0;
    for (std::uint64_t batch = 0; batch < 60; ++batch) {
      const auto text = std::string(1, static_cast<char>('a' + batch % 26));
      next = std::max(next, batch);
      for (; next < batch + random() % 3; ++next) {
        feeder.expect(next, batch_of(std::string(1, static_cast<char>('a' + next % 26)), 3));
      }
      if (random() % 20 == 0) {
        feeder.forget();
        next = batch;
      }
      const auto moved = feeder.take(batch, batch_of(text, 3));
      for (const auto& buffer : moved.buffers()) {
        ASSERT_TRUE(device_->holds(buffer));
        ASSERT_EQ(buffer.to_host().view()[0], text[0]) << "seed " << seed;
      }
      feeder.finished(batch);
    }
  }
}

// A device that holds few batches at once: it has no room for another, whatever the budget says.
class TightCopies final : public Copies {
 public:
  TightCopies(std::unique_ptr<Copies> copies, std::size_t& room)
      : copies_(std::move(copies)), room_(room) {}
  void start(Ticket ticket, std::vector<Buffer> buffers) override {
    if (here_.size() >= room_) throw Error(ExitCode::stage, "out of memory");
    here_.insert(ticket);
    copies_->start(ticket, std::move(buffers));
  }
  bool done(Ticket ticket) const override { return copies_->done(ticket); }
  std::vector<Buffer> take(Ticket ticket) override {
    here_.erase(ticket);
    return copies_->take(ticket);
  }
  void drop(Ticket ticket) override {
    here_.erase(ticket);
    copies_->drop(ticket);
  }

 private:
  std::unique_ptr<Copies> copies_;
  std::size_t& room_;
  std::set<Ticket> here_;
};

TEST_F(FeederTest, CopiesLaterWhatFindsNoRoomAndTheBatchThatIsWantedFirst) {
  std::size_t room = 1;
  Feeder feeder(std::make_unique<TightCopies>(device_->open_copies(), room), 1 << 20U);
  for (const control::BatchId batch : {2, 1, 3}) feeder.expect(batch, batch_of("abc", 1));
  EXPECT_GT(feeder.plan().bytes_on_device(), 0U) << "one is there";
  for (const control::BatchId batch : {1, 2, 3}) {
    EXPECT_TRUE(device_->holds(feeder.take(batch, batch_of("abc", 1)).buffers()[0])) << batch;
    feeder.finished(batch);
  }
}

TEST_F(FeederTest, SaysSoIfABatchFitsOnNoDeviceAndGoesOnWithWhatDoes) {
  std::size_t room = 0;
  Feeder feeder(std::make_unique<TightCopies>(device_->open_copies(), room), 1 << 20U);
  for (const control::BatchId batch : {1, 2}) feeder.expect(batch, batch_of("abc", 1));
  EXPECT_THROW(feeder.take(1, batch_of("abc", 1)), Error);
  feeder.finished(1);
  room = 1;
  EXPECT_TRUE(device_->holds(feeder.take(2, batch_of("abc", 1)).buffers()[0]));
}

}  // namespace
}  // namespace sluice::gpu
