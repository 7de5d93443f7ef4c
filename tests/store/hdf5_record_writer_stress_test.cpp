#include "store/hdf5_reading.hpp"
#include "store/hdf5_record_writer.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>

namespace sluice::store {
namespace {

using testing::HasSubstr;

// Letters, eight at a time.
std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string text(size + 8, ' ');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t letters = (random() & 0x0f0f0f0f0f0f0f0f) | 0x6060606060606060;
    std::memcpy(&text[i], &letters, sizeof letters);
  }
  text.resize(size);
  return text;
}

// Mostly small, at times far larger than any chunk.
std::size_t random_size(std::mt19937_64& random) {
  return random() % 50 == 0 ? random() % (2 << 20) : random() % 2000;
}

Record random_record(std::mt19937_64& random, std::size_t number) {
  Record record(fmt::format("record-{}", number));
  record.set("text", random_text(random, random_size(random)));
  record.set("image", Buffer::adopt(random_text(random, random_size(random))));
  record.set("count", static_cast<std::int64_t>(random()));
  record.set("share", static_cast<double>(random()) / 3);
  record.set("vector", Tensor{DType::u8, {1000, 3}, Buffer::adopt(random_text(random, 3000))});
  return record;
}

void write_in_random_batches(const std::filesystem::path& path, const std::vector<Record>& records,
                             std::mt19937_64& random) {
  Hdf5RecordWriter writer(path);
  for (std::size_t first = 0; first < records.size();) {
    const auto count = std::min<std::size_t>(records.size() - first, random() % 40);
    writer.append(std::span(records).subspan(first, count));
    first += count;
  }
  writer.commit();
}

// Without printing megabytes where they differ.
template <class T>
void expect_same(const std::vector<T>& found, const std::vector<T>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  const auto [at, other] = std::mismatch(found.begin(), found.end(), expected.begin());
  EXPECT_EQ(at, found.end()) << "row " << at - found.begin() << " differs";
}

template <class T>
std::vector<T> column(const std::vector<Record>& records, const std::string& name) {
  std::vector<T> values;
  for (const auto& record : records) values.push_back(record.get<T>(name));
  return values;
}

void expect_payloads(const std::filesystem::path& path, const std::vector<Record>& records) {
  const auto bytes = read_numbers<char>(path, "image/bytes", H5T_NATIVE_CHAR);
  const auto offsets = read_numbers<std::uint64_t>(path, "image/offsets", H5T_NATIVE_UINT64);
  const auto vectors = read_numbers<char>(path, "vector", H5T_NATIVE_CHAR);
  ASSERT_EQ(offsets.size(), records.size() + 1);
  ASSERT_EQ(bytes.size(), offsets.back());
  ASSERT_EQ(vectors.size(), records.size() * 3000);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string_view image(bytes.data() + offsets[i], offsets[i + 1] - offsets[i]);
    ASSERT_TRUE(image == records[i].get<Buffer>("image").view()) << i;
    const std::string_view vector(vectors.data() + i * 3000, 3000);
    ASSERT_TRUE(vector == records[i].get<Tensor>("vector").data.view()) << i;
  }
}

void expect_file_holds(const std::filesystem::path& path, const std::vector<Record>& records) {
  std::vector<std::string> keys;
  for (const auto& record : records) keys.push_back(record.key);
  expect_same(read_strings(path, "key"), keys);
  expect_same(read_strings(path, "text"), column<std::string>(records, "text"));
  expect_same(read_numbers<std::int64_t>(path, "count", H5T_NATIVE_INT64),
              column<std::int64_t>(records, "count"));
  expect_same(read_numbers<double>(path, "share", H5T_NATIVE_DOUBLE),
              column<double>(records, "share"));
  expect_payloads(path, records);
}

std::vector<Record> random_records(std::mt19937_64& random, std::size_t count) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) records.push_back(random_record(random, i));
  return records;
}

TEST(Hdf5RecordWriterStress, RandomRecordsInRandomBatchesAreReadBackRowForRow) {
  const ScratchFolder folder;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    const auto records = random_records(random, 1 + random() % 700);
    write_in_random_batches(folder / "random.h5", records, random);
    expect_file_holds(folder / "random.h5", records);
  }
}

TEST(Hdf5RecordWriterStress, ThreadsWriteTheirOwnFilesAtOnce) {
  const ScratchFolder folder;
  std::vector<std::vector<Record>> records(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < records.size(); ++i) {
    threads.emplace_back([&, i] {
      std::mt19937_64 random(100 + i);
      records[i] = random_records(random, 300);
      write_in_random_batches(folder / fmt::format("{}.h5", i), records[i], random);
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < records.size(); ++i) {
    expect_file_holds(folder / fmt::format("{}.h5", i), records[i]);
  }
}

// Row counts on either side of every chunk: numbers have 1,024 rows a chunk, strings too.
TEST(Hdf5RecordWriterStress, RowCountsAroundChunkSizesAreExact) {
  const ScratchFolder folder;
  for (const std::size_t count : {1023U, 1024U, 1025U, 2048U, 5000U}) {
    std::vector<Record> records;
    for (std::size_t i = 0; i < count; ++i) {
      records.emplace_back(std::to_string(i)).set("n", static_cast<std::int64_t>(i));
    }
    Hdf5RecordWriter writer(folder / "rows.h5");
    writer.append(records);
    writer.commit();
    expect_same(read_numbers<std::int64_t>(folder / "rows.h5", "n", H5T_NATIVE_INT64),
                column<std::int64_t>(records, "n"));
    EXPECT_EQ(read_strings(folder / "rows.h5", "key").back(), std::to_string(count - 1));
  }
}

// The disk is full, as far as this process can tell.
std::string error_on_a_full_disk(const std::filesystem::path& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{64 << 10, 64 << 10};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  try {
    std::mt19937_64 random(1);
    Hdf5RecordWriter writer(path);
    writer.append(random_records(random, 500));
    writer.commit();
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Hdf5RecordWriterStress, FullDiskIsAnErrorThatNamesTheFileAndLeavesNothing) {
  const ScratchFolder folder;
  EXPECT_EXIT(
      {
        const auto error = error_on_a_full_disk(folder / "pages.h5");
        std::fputs(error.c_str(), stderr);
        std::exit(folder.files().empty() && error.find('\n') == std::string::npos ? 0 : 1);
      },
      testing::ExitedWithCode(0), "of '.*/pages.h5': HDF5 says: .*File too large");
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  EXPECT_EQ(::pclose(pipe), 0) << output;
  return output;
}

TEST(Hdf5RecordWriterStress, HdfToolsShowTheFile) {
  const ScratchFolder folder;
  const auto path = folder / "pages.h5";
  Hdf5RecordWriter writer(path);
  Record record("p1");
  record.set("text", std::string("Debian Policy"));
  record.set("image", Buffer::copy_of("PNG"));
  writer.append(std::vector{record});
  writer.commit();
  const auto list = output_of("h5ls -r " + path.string());
  EXPECT_THAT(list, HasSubstr("/text                    Dataset {1/Inf}"));
  EXPECT_THAT(list, HasSubstr("/image/offsets           Dataset {2/Inf}"));
  EXPECT_THAT(output_of("h5dump -d /text " + path.string()), HasSubstr("(0): \"Debian Policy\""));
}

}  // namespace
}  // namespace sluice::store
