#include "store/mapped_ranges.hpp"

#include "store/batches.hpp"
#include "store/hdf5_row_reader.hpp"
#include "store/hdf5_type.hpp"
#include "store/scratch_folder.hpp"
#include "store/shard_layout.hpp"
#include "store/shard_writer.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <optional>

namespace sluice::store {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t mebibyte = 1 << 20;

class Mapped : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::sysconf(_SC_PAGESIZE) != static_cast<long>(page)) GTEST_SKIP() << "for pages of 4 KiB";
  }
  /// A file, and what it holds.
  std::string make_file(std::size_t bytes) {
    std::mt19937_64 random(bytes);
    auto content = random_bytes(random, bytes);
    write_text(path_, content);
    return content;
  }
  MappedRanges map(std::vector<FileRange> ranges) { return {"cannot read it", path_, ranges}; }

  const ScratchFolder folder_;
  const std::filesystem::path path_ = folder_ / "file";
};

TEST_F(Mapped, RangesFollowEachOther) {
  const auto content = make_file(100 * page);
  auto mapped = map({{7 * page, 3 * page}, {50 * page, page}, {2 * page, 20 * page}});
  ASSERT_TRUE(mapped);
  const auto expected = content.substr(7 * page, 3 * page) + content.substr(50 * page, page) +
                        content.substr(2 * page, 20 * page);
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto offset = random() % (24 * page);
    const auto size = 1 + random() % (24 * page - offset);
    ASSERT_EQ(mapped.read(offset, size).view(), expected.substr(offset, size));
  }
  EXPECT_THROW(mapped.read(24 * page - 1, 2), IoError);
}

TEST_F(Mapped, WhatIsNotWholePagesOfTheFileIsLeftAlone) {
  make_file(10 * page);
  EXPECT_TRUE(map({{0, 10 * page}}));
  EXPECT_FALSE(map({}));
  EXPECT_FALSE(map({{0, 11 * page}}));
  EXPECT_FALSE(map({{20 * page, page}}));
  EXPECT_FALSE(map({{~std::uint64_t{0} - page + 1, 2 * page}}));
  EXPECT_FALSE(map({{100, page}}));
  EXPECT_FALSE(map({{0, page}, {0, 100}}));
  std::filesystem::remove(path_);
  EXPECT_FALSE(map({{0, page}}));
}

TEST_F(Mapped, WritingChangesNobodyElsesBytes) {
  const auto content = make_file(4 * page);
  std::optional<MappedRanges> mapped(map({{0, 4 * page}}));
  auto mine = mapped->read(100, 2 * page);
  const auto other = mapped->read(0, 4 * page);
  mine.mutable_data()[0] = std::byte{1};
  EXPECT_EQ(other.view(), content);
  mapped.reset();
  auto last = other.slice(0, 10);
  EXPECT_EQ(read_text(path_), content);
  EXPECT_EQ(last.view(), content.substr(0, 10));
}

TEST_F(Mapped, ItsOnlyHolderMayWriteToABuffer) {
  const auto content = make_file(4 * page);
  auto buffer = map({{0, 4 * page}}).read(page, page);
  std::filesystem::remove(path_);
  const auto* before = buffer.data();
  buffer.mutable_data()[1] = std::byte{1};
  EXPECT_EQ(buffer.data(), before) << "it need not be copied";
  EXPECT_EQ(buffer.view().substr(2), content.substr(page + 2, page - 2));
}

// Those pages are brought in again.
TEST_F(Mapped, WhatWasReadLongAgoIsStillThere) {
  const auto content = make_file(70 * mebibyte);
  auto mapped = map({{0, 70 * mebibyte}});
  const auto first = mapped.read(5, 100);
  auto changed = mapped.read(200, 100);
  changed.mutable_data()[0] = std::byte{'x'};
  for (std::uint64_t at = 0; at < 70 * mebibyte; at += mebibyte) {
    ASSERT_EQ(mapped.read(at, mebibyte).view(), content.substr(at, mebibyte));
  }
  EXPECT_EQ(first.view(), content.substr(5, 100));
  EXPECT_EQ(changed.view().substr(0, 1), "x");
  EXPECT_EQ(mapped.read(mebibyte, 100).view(), content.substr(mebibyte, 100));
}

TEST_F(Mapped, WhatIsNotInMemoryIsBroughtIn) {
  const auto content = make_file(5 * mebibyte);
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::fsync(file), 0);
  ASSERT_EQ(::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
  ::close(file);
  auto mapped = map({{0, 5 * mebibyte}});
  for (std::uint64_t at = 0; at < 5 * mebibyte; at += mebibyte) {
    ASSERT_EQ(mapped.read(at, mebibyte).view(), content.substr(at, mebibyte));
  }
}

// HDF5 versions differ in what they say of files with a head. This shard has a gap between chunks.
TEST_F(Mapped, AShardsBytesAreWhereTheLibrarySaysThatTheyAre) {
  std::mt19937_64 random(1);
  const auto content = random_bytes(random, 13 * mebibyte + 1000);
  EncodedBatch batch;
  add_record(batch, {0, ""}, content);
  ShardWriter writer(path_);
  writer.append(batch);
  writer.finish({"file", "digest", {}});

  const auto file = open_hdf5_file("opening", path_);
  const auto type = hdf5_type("type", DType::u8);
  const RowReader rows("reading", file.get(), bytes_dataset, type.get());
  auto mapped = map(rows.ranges());
  EXPECT_GT(rows.ranges().size(), 1u);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped.read(0, content.size()).view(), content);
}

}  // namespace
}  // namespace sluice::store
