#include "job/stage_driver.hpp"
#include "job/stages/key_path.hpp"
#include "job/stages/kinds.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

#include <set>

namespace sluice::job {
namespace {

using store::read_text;
using store::ScratchFolder;
using store::write_text;
using ::testing::HasSubstr;

TEST(FsRead, PutsTheFileIntoTheField) {
  const ScratchFolder folder;
  const std::string content("some\0bytes", 10);
  write_text(folder / "a.bin", content);
  write_text(folder / "empty", "");
  StageDriver read(fs_read_kind(), {{"field", "image"}, {"root", folder.path().string()}});
  const auto records = read.process({Record("a.bin"), Record("empty")});
  EXPECT_EQ(records[0].key, "a.bin");
  EXPECT_EQ(records[0].get<Buffer>("image").view(), content);
  EXPECT_TRUE(records[1].get<Buffer>("image").empty());
}

TEST(FsRead, ReadsFilesThatDoNotKnowTheirSize) {
  StageDriver read(fs_read_kind(), {});
  const auto records = read.process({Record("/proc/self/status")});
  EXPECT_THAT(std::string(records[0].get<Buffer>("bytes").view()), HasSubstr("Pid:"));
}

TEST(FsRead, AnUnreadableFileIsAnInputErrorThatNamesTheRecord) {
  const ScratchFolder folder;
  StageDriver read(fs_read_kind(), {});
  write_text(folder / "there", "x");
  const auto missing = (folder / "missing").string();
  try {
    read.process({Record((folder / "there").string()), Record(missing)});
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 1u);
    EXPECT_EQ(error.code(), ExitCode::input);
    EXPECT_EQ(error.what(), "cannot read '" + missing + "': No such file or directory");
  }
}

TEST(FsWrite, WritesOneFileARecordAndPassesTheRecordOn) {
  const ScratchFolder folder;
  StageDriver write(fs_write_kind(), {{"dir", "out"}, {"field", "text"}, {"suffix", ".txt"}});
  write.setup(folder.path());
  const auto records = write.process({record_with("a/b", "text", std::string("words")),
                                      record_with("c", "text", Buffer::copy_of("bytes"))});
  EXPECT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].key, "c");
  EXPECT_EQ(read_text(folder / "out/a/b.txt"), "words");
  EXPECT_EQ(read_text(folder / "out/c.txt"), "bytes");
  EXPECT_FALSE(std::filesystem::exists(folder / "out/c.txt.partial"));
}

TEST(FsWrite, RefusesAFieldThatIsNeitherBytesNorText) {
  const ScratchFolder folder;
  StageDriver write(fs_write_kind(), {{"dir", "out"}});
  write.setup(folder.path());
  EXPECT_EQ(
      thrown<RecordError>([&] { write.process({record_with("a", "bytes", std::int64_t{7})}); }),
      "field 'bytes' of record 'a' holds int64, not bytes");
}

TEST(FsWrite, AnUnwritableFolderIsAnIoError) {
  const ScratchFolder folder;
  write_text(folder / "out", "a file where the folder should be");
  StageDriver write(fs_write_kind(), {{"dir", "out"}});
  write.setup(folder.path());
  try {
    write.process({record_with("a", "bytes", Buffer())});
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.code(), ExitCode::io);
    EXPECT_THAT(error.what(), HasSubstr((folder / "out").string()));
  }
}

TEST(KeyPath, OrdinaryKeysAreTheirOwnPath) {
  EXPECT_EQ(key_path("a"), "a");
  EXPECT_EQ(key_path("pages/p 1.png", ".txt"), "pages/p 1.png.txt");
  EXPECT_EQ(key_path("a..b/..c/.d"), "a..b/..c/.d");
}

TEST(KeyPath, NothingLeavesTheFolder) {
  EXPECT_EQ(key_path("../x"), "%2E%2E/x");
  EXPECT_EQ(key_path("a/../../x"), "a/%2E%2E/%2E%2E/x");
  EXPECT_EQ(key_path("/etc/passwd"), "%2Fetc/passwd");
  EXPECT_EQ(key_path("//x"), "%2F%2Fx");
  EXPECT_EQ(key_path("./x"), "%2E/x");
  EXPECT_EQ(key_path(".."), "%2E%2E");
  EXPECT_EQ(key_path("/"), "%2F");
}

TEST(KeyPath, DifferentKeysHaveDifferentPaths) {
  const std::vector<std::string> parts{"", "a", ".", "..", "%2F", "%2E", "%"};
  std::set<std::string> keys;
  std::set<std::string> paths;
  for (const auto& a : parts) {
    for (const auto& b : parts) {
      for (const auto& c : parts) {
        for (const auto& key : {a + "/" + b + "/" + c, a + "/" + b, a + b + c}) {
          if (key.empty()) continue;
          keys.insert(key);
          const auto path = key_path(key);
          EXPECT_EQ(path, path.lexically_normal()) << key;
          paths.insert(path.string());
        }
      }
    }
  }
  EXPECT_EQ(paths.size(), keys.size());
}

TEST(KeyPath, NoFinalNameIsThatOfAFileBeingWritten) {
  EXPECT_EQ(key_path("a.partial"), "a%2Epartial");
  EXPECT_EQ(key_path("a.partial", ".txt"), "a.partial.txt");
  EXPECT_EQ(thrown<StageError>([] { key_path(""); }),
            "a record with an empty key cannot name a file");
}

}  // namespace
}  // namespace sluice::job
