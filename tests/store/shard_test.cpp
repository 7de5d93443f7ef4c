#include "store/batches.hpp"
#include "store/scratch_folder.hpp"
#include "store/shard_reader.hpp"
#include "store/shard_writer.hpp"

#include <sluice/codec.hpp>
#include <sluice/record.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <limits>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;
constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();

struct Shard {
  std::filesystem::path path;
  ShardInfo info;

  ShardReader reader() const { return {path, "'" + path.string() + "'", info}; }
};

Shard write_shard(const std::filesystem::path& path, const EncodedBatch& records,
                  Compression compression = Compression::none) {
  ShardWriter writer(path, compression);
  writer.append(records);
  EXPECT_EQ(writer.records(), records.size());
  ShardInfo info{"shard.h5", "digest", {}};
  info.splits.add(7);
  return {path, writer.finish(std::move(info))};
}

class Shards : public ::testing::TestWithParam<Compression> {};
INSTANTIATE_TEST_SUITE_P(All, Shards, ::testing::Values(Compression::none, Compression::zstd));

TEST_P(Shards, RandomRecordsComeBackInOrder) {
  const ScratchFolder folder;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    const auto records = random_batch(random, random() % 1500);
    const auto shard = write_shard(folder / "shard.h5", records, GetParam());
    auto reader = shard.reader();
    ASSERT_EQ(reader.size(), records.size());
    EXPECT_EQ(reader.info().bytes, records.stored_bytes());
    for (std::uint64_t next = 0; next < reader.size();) {
      const auto most_bytes = random() % 2'000'000;
      const auto batch = reader.read(next, 1 + random() % 50, most_bytes);
      ASSERT_GT(batch.size(), 0u);
      EXPECT_TRUE(batch.size() == 1 || batch.stored_bytes() <= most_bytes);
      expect_records(batch, records, next);
      next += batch.size();
    }
  }
}

TEST_P(Shards, RecordsAreFoundInAnyOrder) {
  const ScratchFolder folder;
  std::mt19937_64 random(3);
  const auto records = random_batch(random, 5000);
  auto reader = write_shard(folder / "shard.h5", records, GetParam()).reader();
  for (int i = 0; i < 500; ++i) {
    const auto first = random() % records.size();
    const auto batch = reader.read(first, 1 + random() % 3, unlimited);
    expect_records(batch, records, first);
  }
  expect_records(reader.read(4999, 10, unlimited), records, 4999);
}

TEST(Shard, HoldsNothingIfNothingWasWritten) {
  const ScratchFolder folder;
  const auto shard = write_shard(folder / "shard.h5", {});
  EXPECT_EQ(shard.reader().size(), 0u);
  EXPECT_EQ(read_shard_info(shard.path, "it"), shard.info);
  EXPECT_TRUE(shard.info.splits.contains(7));
}

// Space is reserved ahead of the writer, eight megabytes at a time.
TEST(Shard, KeepsNoSpaceThatItDoesNotNeed) {
  const ScratchFolder folder;
  EncodedBatch batch;
  add_record(batch, {0, ""}, std::string(1000, 'x'));
  const auto shard = write_shard(folder / "shard.h5", batch);
  struct stat status {};
  ASSERT_EQ(::stat(shard.path.c_str(), &status), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), shard.info.file_bytes);
  EXPECT_LE(status.st_blocks * 512, status.st_size + (64 << 10));
}

TEST(Shard, RecordsOfAJobComeBackAsTheyWere) {
  const ScratchFolder folder;
  Record record("key");
  record.set("image", Buffer::copy_of(std::string(100'000, 'x')));
  record.set("words", std::int64_t{3});
  record.set("vector", Tensor{DType::f32, {2}, Buffer::copy_of("12345678")});
  EncodedBatch batch;
  Encoder encoder(batch);
  encoder(record);
  batch.end_record({5, "abcd"});
  auto reader = write_shard(folder / "shard.h5", batch).reader();
  const auto read = reader.read(0, 1, unlimited);
  Decoder decoder(read.record_bytes(0), read.record_buffers(0));
  Record found;
  decoder(found);
  EXPECT_EQ(found, record);
  EXPECT_EQ(read.id(0), (RecordId{5, "abcd"}));
}

TEST(Shard, CompressionMakesTextSmaller) {
  const ScratchFolder folder;
  EncodedBatch batch;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    add_record(batch, {i, ""}, fmt::format("line {0} {1:500} {0}", i, "of text"));
  }
  const auto plain = write_shard(folder / "plain.h5", batch).info;
  const auto compressed = write_shard(folder / "zstd.h5", batch, Compression::zstd).info;
  EXPECT_EQ(plain.bytes, compressed.bytes);
  EXPECT_LT(compressed.file_bytes + plain.bytes / 2, plain.file_bytes);
}

TEST(Shard, AMillionSmallRecordsComeBack) {
  const ScratchFolder folder;
  ShardWriter writer(folder / "shard.h5");
  for (std::uint64_t i = 0; i < 1'000'000; i += 1000) {
    EncodedBatch batch;
    for (std::uint64_t k = i; k < i + 1000; ++k) add_record(batch, {k, ""}, std::to_string(k));
    writer.append(batch);
  }
  const Shard shard{folder / "shard.h5", writer.finish({"shard.h5", "digest", {}})};
  auto reader = shard.reader();
  ASSERT_EQ(reader.size(), 1'000'000u);
  std::uint64_t next = 0;
  while (next < reader.size()) {
    const auto batch = reader.read(next, 10'000, unlimited);
    for (std::size_t i = 0; i < batch.size(); ++i, ++next) {
      ASSERT_EQ(batch.record_bytes(i), std::to_string(next));
    }
  }
}

}  // namespace
}  // namespace sluice::store
