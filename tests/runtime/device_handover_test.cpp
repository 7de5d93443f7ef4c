#include "runtime/device_handover.hpp"

#include "gpu/emulated.hpp"
#include "runtime/device_lane.hpp"
#include "runtime/variable.hpp"
#include "runtime/wire.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

class DeviceHandoverTest : public testing::Test {
 protected:
  static constexpr int producer_rank = 1;
  static constexpr int consumer_rank = 2;

  void SetUp() override {
    producer_.set(device_.get(), true, DevicePath::automatic);
    consumer_.set(device_.get(), false, DevicePath::automatic);
  }

  Data two_records() {
    Data data{0, 7, 2, {}};
    for (const char letter : {'a', 'b'}) {
      auto buffer = device_->allocate(5000);
      std::fill_n(reinterpret_cast<char*>(buffer.mutable_data()), buffer.size(), letter);
      data.records.attach(std::move(buffer));
      data.records.attach(Buffer::copy_of(std::string(4096, 'h')));
      data.records.end_record({});
    }
    return data;
  }

  // Over the wire.
  template <class Kind>
  Kind sent_to_consumer(Packet packet) {
    producer_wire_.send(pack(consumer_rank, std::move(packet)));
    return producer_wire_.take<Kind>();
  }

  static void expect_two_records(const Data& data, Memory memory) {
    ASSERT_EQ(data.records.size(), 2U);
    EXPECT_EQ(data.batch, 7U);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto buffers = data.records.record_buffers(i);
      EXPECT_EQ(buffers[0].memory(), memory);
      EXPECT_EQ(buffers[0].to_host(), Buffer::copy_of(std::string(5000, i == 0 ? 'a' : 'b')));
      EXPECT_EQ(buffers[1], Buffer::copy_of(std::string(4096, 'h')));
    }
  }

  Variable no_links_{"SLUICE_GPU", "emulated:0"};
  std::unique_ptr<gpu::Device> device_ = gpu::open_emulated(0);
  Wire producer_wire_{producer_rank};
  Wire consumer_wire_{consumer_rank};
  DeviceHandover producer_{producer_wire_};
  DeviceHandover consumer_{consumer_wire_};
};

TEST_F(DeviceHandoverTest, TheOtherProcessCopiesFromWhereTheBytesAre) {
  auto shared = sent_to_consumer<SharedData>(producer_.outgoing(consumer_rank, two_records()));
  EXPECT_EQ(producer_.lent(), 1U);
  EXPECT_EQ(shared.from, producer_rank);
  const auto data = consumer_.incoming(std::move(shared));
  ASSERT_TRUE(data);
  expect_two_records(*data, Memory::device);
  producer_.on(consumer_wire_.take<Fetched>());
  EXPECT_EQ(producer_.lent(), 0U);
}

TEST_F(DeviceHandoverTest, WhatIsOutOfReachComesThroughTheHost) {
  auto shared = sent_to_consumer<SharedData>(producer_.outgoing(consumer_rank, two_records()));
  shared.buffers[2].where.assign(shared.buffers[2].where.size(), '\x7f');
  EXPECT_FALSE(consumer_.incoming(std::move(shared)));
  producer_.on(consumer_wire_.take<Fetched>());
  expect_two_records(producer_wire_.take<Data>(), Memory::host);
  EXPECT_EQ(producer_.lent(), 0U);
  // And from then on at once.
  expect_two_records(sent_to_consumer<Data>(producer_.outgoing(consumer_rank, two_records())),
                     Memory::host);
}

TEST_F(DeviceHandoverTest, GoesThroughTheHostIfToldTo) {
  producer_.set(device_.get(), true, DevicePath::host);
  EXPECT_FALSE(producer_.keeps());
  expect_two_records(sent_to_consumer<Data>(producer_.outgoing(consumer_rank, two_records())),
                     Memory::host);
}

TEST_F(DeviceHandoverTest, GoesThroughTheHostToAStageThatWantsItThere) {
  producer_.set(device_.get(), false, DevicePath::automatic);
  expect_two_records(sent_to_consumer<Data>(producer_.outgoing(consumer_rank, two_records())),
                     Memory::host);
}

// A rank that dies never answers.
TEST_F(DeviceHandoverTest, LetsGoOfWhatNobodyWantsAnyMore) {
  auto shared = sent_to_consumer<SharedData>(producer_.outgoing(consumer_rank, two_records()));
  EXPECT_EQ(producer_.lent(), 1U);
  producer_.forget(1);
  EXPECT_EQ(producer_.lent(), 0U);
  consumer_.incoming(std::move(shared));
  EXPECT_NO_THROW(producer_.on(consumer_wire_.take<Fetched>())) << "an answer that comes too late";
}

}  // namespace
}  // namespace sluice::runtime
