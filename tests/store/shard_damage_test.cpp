#include "store/batches.hpp"
#include "store/scratch_folder.hpp"
#include "store/shard_reader.hpp"
#include "store/shard_writer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdio>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t records = 300;

/// A shard, its records, and what a reader says to its file.
class Damaged : public ::testing::TestWithParam<Compression> {
 protected:
  Damaged() : random_(1), batch_(make()), path_(folder_ / "shard.h5") {
    ShardWriter writer(path_, GetParam());
    writer.append(batch_);
    info_ = writer.finish({"shard.h5", "digest", {}});
    content_ = read_text(path_);
  }

  // Empty if every record was read, and right.
  std::string complaint() {
    try {
      ShardReader reader(path_, "'shard.h5'", info_);
      for (std::uint64_t next = 0; next < reader.size();) {
        const auto batch = reader.read(next, 7, 1 << 20);
        expect_records(batch, batch_, next);
        next += batch.size();
      }
      EXPECT_EQ(reader.size(), records);
    } catch (const ShardError& error) {
      EXPECT_THAT(error.what(), HasSubstr("'shard.h5'"));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return {};
  }

  EncodedBatch make() {
    EncodedBatch batch;
    for (std::uint64_t i = 0; i < records; ++i) {
      add_record(batch, {i, "path"}, fmt::format("record {} {}", i, std::string(3000, 'x')),
                 {random_bytes(random_, 5000)});
    }
    return batch;
  }

  std::mt19937_64 random_;
  ScratchFolder folder_;
  EncodedBatch batch_;
  std::filesystem::path path_;
  ShardInfo info_;
  std::string content_;
};
INSTANTIATE_TEST_SUITE_P(Shards, Damaged, ::testing::Values(Compression::none, Compression::zstd));

TEST_P(Damaged, AFlippedByteIsNeverReadAsARecord) {
  ASSERT_EQ(complaint(), "");
  int noticed = 0;
  for (int i = 0; i < 400; ++i) {
    auto content = content_;
    // Half of them in the payload, the others in what is around it.
    const auto place = i % 2 == 0 ? random_() % content.size() : random_() % 20'000;
    content[place] = static_cast<char>(content[place] ^ (1 << random_() % 8));
    write_text(path_, content);
    SCOPED_TRACE(place);
    noticed += complaint().empty() ? 0 : 1;  // some bytes of a file mean nothing
  }
  EXPECT_GT(noticed, 100);
}

TEST_P(Damaged, AFlippedByteOfTheIndexIsNoticed) {
  const auto index = content_.find(std::string("path").append("pathpathpath"));
  ASSERT_NE(index, std::string::npos);
  auto content = content_;
  content[index + 402] ^= 1;  // the path of record 100
  write_text(path_, content);
  EXPECT_EQ(complaint(),
            "the shard 'shard.h5' is damaged: the checksum of record 100 is wrong; delete the file "
            "and resume the run: what it held is made again");
}

TEST_P(Damaged, ATruncatedShardIsNoticedWhereverItEnds) {
  for (int i = 0; i < 50; ++i) {
    const auto size = random_() % content_.size();
    write_text(path_, content_.substr(0, size));
    SCOPED_TRACE(size);
    EXPECT_NE(complaint(), "");
  }
  write_text(path_, content_.substr(0, content_.size() - 1));
  EXPECT_THAT(complaint(), HasSubstr(fmt::format("has {} bytes instead of {}: it was cut short",
                                                 content_.size() - 1, content_.size())));
}

TEST_P(Damaged, AnotherFileOfThatNameIsRefused) {
  write_text(path_, "something else");
  EXPECT_THAT(complaint(), HasSubstr("no sound head"));
  std::filesystem::remove(path_);
  EXPECT_THAT(complaint(), HasSubstr("is missing"));
  ShardWriter writer(path_);
  writer.append(batch_.slice(0, 10));
  writer.finish({"shard.h5", "digest", {}});
  EXPECT_THAT(complaint(), HasSubstr("is not the one that the manifest lists"));
}

}  // namespace
}  // namespace sluice::store
