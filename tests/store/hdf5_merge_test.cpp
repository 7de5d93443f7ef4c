// Merging the parts of an output gives the file that one writer would have written.
#include "store/hdf5_merge.hpp"

#include "store/hdf5_reading.hpp"
#include "store/hdf5_record_writer.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <random>

namespace sluice::store {
namespace {

Record record_of(int i, std::mt19937_64& random) {
  Record record(fmt::format("key-{}", i));
  record.set("text", std::string(random() % 50, 'a') + "ü");
  record.set("count", static_cast<std::int64_t>(random() % 1000));
  record.set("score", static_cast<double>(random() % 1000) / 7);
  Buffer bytes(random() % 5000);
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    bytes.mutable_data()[k] = static_cast<std::byte>(random());
  }
  record.set("image", bytes);
  Tensor tensor{DType::f32, {3, 2}, Buffer(24)};
  for (std::size_t k = 0; k < 24; ++k) {
    tensor.data.mutable_data()[k] = static_cast<std::byte>(random() % 100);
  }
  record.set("vector", tensor);
  return record;
}

void write(const std::filesystem::path& path, std::span<const Record> records) {
  Hdf5RecordWriter writer(path);
  writer.append(records);
  writer.commit();
}

void expect_same(const std::filesystem::path& a, const std::filesystem::path& b) {
  for (const auto* name : {"key", "text"}) EXPECT_EQ(read_strings(a, name), read_strings(b, name));
  EXPECT_EQ(read_numbers<std::int64_t>(a, "count", H5T_NATIVE_INT64),
            read_numbers<std::int64_t>(b, "count", H5T_NATIVE_INT64));
  EXPECT_EQ(read_numbers<double>(a, "score", H5T_NATIVE_DOUBLE),
            read_numbers<double>(b, "score", H5T_NATIVE_DOUBLE));
  EXPECT_EQ(read_numbers<std::uint64_t>(a, "image/offsets", H5T_NATIVE_UINT64),
            read_numbers<std::uint64_t>(b, "image/offsets", H5T_NATIVE_UINT64));
  EXPECT_EQ(read_numbers<unsigned char>(a, "image/bytes", H5T_NATIVE_UCHAR),
            read_numbers<unsigned char>(b, "image/bytes", H5T_NATIVE_UCHAR));
  EXPECT_EQ(read_numbers<float>(a, "vector", H5T_NATIVE_FLOAT),
            read_numbers<float>(b, "vector", H5T_NATIVE_FLOAT));
  EXPECT_EQ(DatasetReader(a, "vector").shape(), DatasetReader(b, "vector").shape());
}

TEST(Hdf5Merge, GivesTheFileThatOneWriterWouldHaveWritten) {
  std::mt19937_64 random(5);
  std::vector<Record> records;
  for (int i = 0; i < 3000; ++i) records.push_back(record_of(i, random));
  const ScratchFolder folder;
  write(folder / "whole.h5", records);
  std::vector<std::filesystem::path> parts;
  for (std::size_t first = 0; first < records.size();) {
    const auto count = std::min<std::size_t>(1 + random() % 1500, records.size() - first);
    parts.push_back(folder / fmt::format("part-{}.h5", parts.size()));
    write(parts.back(), std::span(records).subspan(first, count));
    first += count;
  }
  ASSERT_GT(parts.size(), 2u);
  merge_hdf5_files(parts, folder / "merged.h5");
  expect_same(folder / "whole.h5", folder / "merged.h5");
}

TEST(Hdf5Merge, RefusesPartsThatDontFitAndLeavesNothingBehind) {
  const ScratchFolder folder;
  Record one("a");
  one.set("text", std::string("x"));
  Record other("b");
  other.set("count", std::int64_t{1});
  write(folder / "0.h5", {&one, 1});
  write(folder / "1.h5", {&other, 1});
  EXPECT_THROW(merge_hdf5_files({folder / "0.h5", folder / "1.h5"}, folder / "all.h5"), IoError);
  Record number("c");
  number.set("text", 1.5);
  write(folder / "2.h5", {&number, 1});
  EXPECT_THROW(merge_hdf5_files({folder / "0.h5", folder / "2.h5"}, folder / "all.h5"), IoError);
  EXPECT_EQ(folder.files(), (std::set<std::string>{"0.h5", "1.h5", "2.h5"}));
}

}  // namespace
}  // namespace sluice::store
