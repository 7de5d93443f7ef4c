#include "gpu/feeder.hpp"

#include "gpu/emulated.hpp"

#include <gtest/gtest.h>

#include <random>

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

}  // namespace
}  // namespace sluice::gpu
