// Batches written to shared memory and read back as if they were results.
#include "process/died.hpp"
#include "process/random_records.hpp"
#include "process/result_table.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <numeric>

namespace sluice::process {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t room = 1 << 20;

/// A batch in memory.
struct Written {
  explicit Written(std::vector<Record> from, std::uint64_t offset = 640)
      : records(std::move(from)), batch(records) {
    const BatchTable table(batch);
    memory.grow(offset + table.bytes());
    sent = table.write(memory.at(offset), offset);
    place = {offset, table.table_bytes()};
  }

  ResultTable read() { return {place, memory, records.size(), sent}; }
  std::vector<Record> read_all(const std::shared_ptr<void>& owner = nullptr) {
    return read().records(owner, memory);
  }
  template <class T>
  void put(std::uint64_t at, T value) {
    std::memcpy(memory.at(place.offset + at), &value, sizeof value);
  }
  std::uint64_t field_at() const {
    return sizeof(TableHead) + sizeof(RecordEntry) * records.size();
  }

  std::vector<Record> records;
  Batch<Record> batch;
  MemoryFile memory{"test", room, MemoryFile::Use::read_write};
  std::vector<SentValue> sent;
  Place place;
};

TEST(Table, ReadsWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Written written(RandomRecords(seed).batch());
    std::vector<std::uint32_t> sources(written.records.size());
    std::iota(sources.begin(), sources.end(), 0U);
    ASSERT_EQ(written.read().sources(), sources) << seed;
    ASSERT_EQ(written.read_all(), written.records) << seed;
    ASSERT_EQ(written.read_all(std::make_shared<int>(0)), written.records) << seed;
    for (const auto& value : written.sent) ASSERT_EQ(value.offset % 64, 0u);
  }
}

TEST(Table, WhatIsHandedOnIsTheSameBuffer) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Written written(RandomRecords(seed).batch());
    std::uint64_t at = written.field_at();
    for (const auto& record : written.records) {
      for (const auto& [name, value] : record.fields()) {
        const bool outside = value.index() != 2 && value.index() != 3;
        if (outside) written.put(at + 7, FieldMemory::other);
        at += sizeof(FieldEntry);
      }
    }
    const auto read = written.read_all();
    ASSERT_EQ(read, written.records) << seed;
    for (std::size_t i = 0; i < read.size(); ++i) {
      for (std::size_t f = 0; f < read[i].fields().size(); ++f) {
        const auto* buffer = std::get_if<Buffer>(&read[i].fields()[f].second);
        if (buffer == nullptr || buffer->empty()) continue;
        ASSERT_EQ(buffer->data(), std::get<Buffer>(written.records[i].fields()[f].second).data());
      }
    }
  }
}

TEST(Table, LargeValuesAreShared) {
  Record record("k");
  record.set("large", Buffer::copy_of(std::string(10000, 'x')));
  record.set("small", Buffer::copy_of("y"));
  Written written({record});
  EXPECT_EQ(written.read().shared_bytes(), written.place.length + 10048 + 64);
  const auto owner = std::make_shared<int>(0);
  auto read = written.read_all(owner);
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_EQ(read[0].get<Buffer>("large").data(), written.memory.at(written.sent[0].offset));
  read.clear();
  EXPECT_EQ(owner.use_count(), 1);
}

// The process takes back all of a result or nothing.
TEST(Table, WhatIsSharedHoldsTheWholeResult) {
  Record record("k");
  record.set("text", std::string(100'000, 't'));
  record.set("number", std::int64_t{7});
  EXPECT_EQ(Written({record}).read().shared_bytes(), 0u);
  record.set("large", Buffer(5000));
  EXPECT_GT(Written({record}).read().shared_bytes(), 105'000u);
}

// Whatever the bytes, it is garbage or it is records.
TEST(Table, GarbageIsRefusedAndNeverBelieved) {
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    RandomRecords random(seed);
    Written written(random.batch());
    for (auto changes = 1 + random.below(4); changes > 0; --changes) {
      const auto at = random.below(written.place.length);
      written.put(at, static_cast<std::uint8_t>(random.below(256)));
    }
    if (random.below(5) == 0) written.place.length = random.below(written.place.length + 100);
    if (random.below(5) == 0) written.place.offset = random.below(room * 2) / 64 * 64;
    try {
      for (const auto& record : written.read_all(std::make_shared<int>(0))) {
        for (const auto& [name, value] : record.fields()) {
          const auto* buffer = std::get_if<Buffer>(&value);
          EXPECT_LE(buffer == nullptr ? 0 : buffer->size(), room);
        }
      }
    } catch (const Garbage&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1500);
}

template <class T>
std::string refusal(std::uint64_t at, T value) {
  Record record("key");
  record.set("t", Tensor{DType::f32, {2, 3}, Buffer(24)});
  Written written({record});
  written.put(at, value);
  try {
    written.read();
  } catch (const Garbage& garbage) {
    return garbage.what();
  }
  return "accepted";
}

TEST(Table, SaysWhatIsWrong) {
  const std::uint64_t field = sizeof(TableHead) + sizeof(RecordEntry);
  EXPECT_EQ(refusal(0, 0), "a table that does not begin with SLB1");
  EXPECT_EQ(refusal(16, std::uint64_t{100}), "a table whose length is not that of its parts");
  EXPECT_EQ(refusal(4, 1U << 31U), "a table that is shorter than its parts");
  EXPECT_EQ(refusal(32, 1), "a table with a record whose source is not in the batch");
  EXPECT_EQ(refusal(36, 2), "a table whose records have not as many fields as it");
  EXPECT_EQ(refusal(40, 2), "a table whose text is not as long as keys and names");
  EXPECT_EQ(refusal(field + 4, std::uint8_t{9}), "a table with a field of an unknown type");
  EXPECT_EQ(refusal(field + 5, std::uint8_t{11}), "a table with a tensor of unknown dtype");
  EXPECT_EQ(refusal(field + 5, std::uint8_t{10}),
            "a table with a tensor whose shape does not fit its length");
  EXPECT_EQ(refusal(field + 6, std::uint8_t{3}),
            "a table that has fewer dimensions than its tensors");
  EXPECT_EQ(refusal(field + 7, std::uint8_t{2}), "a table with a value in an unknown memory");
  EXPECT_EQ(refusal(field + 8, std::uint64_t{room}),
            "a table with a value beyond the end of the memory file");
  EXPECT_EQ(refusal(field + 24, std::uint64_t{1} << 63U),
            "a table with a tensor of more bytes than there are");
}

TEST(Table, RefusesAPlaceBetweenTheValuesOfTheBatch) {
  Record record("key");
  record.set("a", Buffer(100));
  record.set("b", Buffer(100));
  Written written({record});
  const auto second = written.field_at() + sizeof(FieldEntry);
  written.put(second + 7, FieldMemory::other);
  written.put(second + 8, written.sent[0].offset + 50);
  EXPECT_THROW(written.read(), Garbage);
  written.put(second + 8, written.sent[0].offset);
  EXPECT_NO_THROW(written.read());
  written.put(second + 8, std::uint64_t{0});
  EXPECT_THROW(written.read(), Garbage);
}

TEST(Table, ARecordThatNoTableHoldsIsAnError) {
  Record record("key");
  record.set("t", Tensor{DType::u8, std::vector<std::uint64_t>(256, 1), Buffer(1)});
  EXPECT_THAT([&] { Written({record}); },
              ::testing::ThrowsMessage<StageError>(HasSubstr("256 dimensions of a tensor")));
}

}  // namespace
}  // namespace sluice::process
