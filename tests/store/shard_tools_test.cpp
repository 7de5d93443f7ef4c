#include "store/batches.hpp"
#include "store/scratch_folder.hpp"
#include "store/shard_writer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdio>

// Others read what is written here: docs/shard-format.md is enough to do so.
namespace sluice::store {
namespace {

using ::testing::HasSubstr;

std::string output_of(const std::string& command, int& status) {
  std::string output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  status = ::pclose(pipe);
  return output;
}

std::string output_of(const std::string& command) {
  int status = 0;
  auto output = output_of(command, status);
  EXPECT_EQ(status, 0) << output;
  return output;
}

std::filesystem::path write_sample(const ScratchFolder& folder) {
  EncodedBatch batch;
  add_record(batch, {0, ""}, "first", {"a buffer", "another"});
  add_record(batch, {1, std::string_view("\0\0\0\1", 4)}, "second");
  ShardWriter writer(folder / "sample.h5");
  writer.append(batch);
  ShardInfo info{"sample.h5", "0123", {}};
  info.splits.add(4);
  writer.finish(info);
  return folder / "sample.h5";
}

TEST(ShardTools, H5dumpAndH5lsShowAShard) {
  const ScratchFolder folder;
  const auto path = write_sample(folder).string();
  const auto list = output_of("h5ls " + path);
  EXPECT_THAT(list, HasSubstr("bytes                    Dataset {26/Inf}"));
  EXPECT_THAT(list, HasSubstr("index                    Dataset {2/Inf}"));
  const auto index = output_of("h5dump -d /index " + path);
  EXPECT_THAT(index, HasSubstr("H5T_STD_U64LE \"paths_end\""));
  EXPECT_THAT(output_of("h5dump -d /buffers " + path), HasSubstr("(0): 8, 7"));
  const auto head = output_of("head -n 2 " + path);
  EXPECT_THAT(head, HasSubstr("sluice-shard 1\n{\"name\":\"sample.h5\""));
  EXPECT_THAT(head, HasSubstr("\"splits\":[[4,1]]"));
}

TEST(ShardTools, H5pyReadsAShardAsTheDocumentSays) {
  int status = 0;
  output_of(SLUICE_PYTHON " -c 'import h5py'", status);
  if (status != 0) {
    GTEST_SKIP() << "no h5py here: run cmake/install-test-tools.sh, and CMake again";
  }
  const ScratchFolder folder;
  const auto path = write_sample(folder).string();
  write_text(folder / "read.py", R"(
import h5py, sys
with h5py.File(sys.argv[1]) as shard:
    buffer = 0
    for row in shard["index"][:]:
        record = shard["bytes"][row["offset"] : row["offset"] + row["length"]].tobytes()
        print(row["origin"], record[: row["encoded"]])
        at = row["encoded"]
        for size in shard["buffers"][buffer : row["buffers_end"]]:
            print("  buffer", record[at : at + size])
            at += size
        buffer = row["buffers_end"]
)");
  EXPECT_EQ(output_of(fmt::format("{} {} {}", SLUICE_PYTHON, (folder / "read.py").string(), path)),
            "0 b'first'\n  buffer b'a buffer'\n  buffer b'another'\n1 b'second'\n");
}

}  // namespace
}  // namespace sluice::store
