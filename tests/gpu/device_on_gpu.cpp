// On the first GPU that there is.
#include "gpu/feeder.hpp"
#include "gpu/platform.hpp"

#include <sluice/error.hpp>
#include <sluice/gpu.hpp>

#include <gtest/gtest.h>

#include <cstdio>

namespace sluice::gpu {
namespace {

Buffer filled(Buffer buffer, std::size_t seed) {
  auto* bytes = reinterpret_cast<unsigned char*>(buffer.mutable_data());
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(i * 31 + seed);
  }
  return buffer;
}

class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (device_count() == 0) {
      std::printf("no GPU: not run (%s)\n", why_no_device().c_str());
      GTEST_SKIP();
    }
    device_ = &device(0);
    device_->make_current();
    set_worker_device(device_);
  }
  void TearDown() override { set_worker_device(nullptr); }

  EncodedBatch batch(std::size_t seed) {
    EncodedBatch result;
    for (const std::size_t size : {std::size_t{4096}, std::size_t{5'000'001}}) {
      result.attach(filled(Buffer(size), seed));
      result.attach(filled(allocate_pinned(size), seed + 1));
      result.end_record({});
    }
    return result;
  }

  Device* device_ = nullptr;
};

TEST_F(OnGpu, TheDeviceIsHealthy) { EXPECT_NO_THROW(device_->check_health()); }

TEST_F(OnGpu, BatchesGetThereAndBackWhole) {
  Feeder feeder(device_->open_copies(), std::uint64_t{64} << 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    feeder.expect(i + 1, batch(i + 1));
    const auto there = feeder.take(i, batch(i));
    const auto buffers = there.buffers();
    for (const auto& buffer : buffers) EXPECT_TRUE(device_->holds(buffer));
    const auto here = device_->to_host({buffers.begin(), buffers.end()});
    const auto expected = batch(i);
    for (std::size_t k = 0; k < here.size(); ++k) {
      EXPECT_EQ(here[k], expected.buffers()[k]) << "batch " << i << ", buffer " << k;
    }
    feeder.finished(i);
  }
  feeder.forget();
}

TEST_F(OnGpu, WritingToSharedBytesLeavesTheOthersAlone) {
  Feeder feeder(device_->open_copies(), std::uint64_t{64} << 20U);
  const auto there = feeder.take(0, batch(5));
  auto mine = there.buffers()[0];
  const auto* before = mine.data();
  EXPECT_NE(mine.mutable_data(), before);
  EXPECT_TRUE(device_->holds(mine));
  EXPECT_EQ(mine.to_host(), batch(5).buffers()[0]);
}

TEST_F(OnGpu, AThousandBatchesLeaveNoMemoryBehind) {
  Feeder feeder(device_->open_copies(), std::uint64_t{64} << 20U);
  const auto source = batch(1);
  const auto run = [&](std::uint64_t from, std::uint64_t to) {
    for (auto i = from; i < to; ++i) {
      feeder.expect(i + 1, source);
      const auto there = feeder.take(i, source);
      const auto out = allocate(1'000'000 + (i % 7) * 100'000);
      feeder.finished(i);
    }
  };
  run(0, 50);
  const auto before = device_->free_bytes();
  run(50, 1050);
  EXPECT_EQ(device_->free_bytes(), before);
}

TEST_F(OnGpu, MemoryThatIsFullIsAnErrorAndNotTheEnd) {
  EXPECT_THROW(allocate(device_->info().total * 2), Error);
  EXPECT_NO_THROW(allocate(1'000'000));
}

TEST_F(OnGpu, BuffersCanBeSharedWithOtherProcesses) {
  EXPECT_FALSE(device_->share(allocate(5000)).empty());
}

}  // namespace
}  // namespace sluice::gpu
