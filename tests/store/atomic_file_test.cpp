#include "store/atomic_file.hpp"

#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace sluice::store {
namespace {

using testing::HasSubstr;
using Names = std::set<std::string>;

TEST(AtomicFile, AppearsAtItsPathOnlyWhenCommitted) {
  const ScratchFolder folder;
  AtomicFile file(folder / "pages.h5");
  write_text(file.temporary(), "new");
  EXPECT_EQ(folder.files(), Names{"pages.h5.partial"});
  file.commit();
  EXPECT_EQ(folder.files(), Names{"pages.h5"});
  EXPECT_EQ(read_text(folder / "pages.h5"), "new");
}

TEST(AtomicFile, LeavesTheOldFileAloneUntilCommitted) {
  const ScratchFolder folder;
  write_text(folder / "pages.h5", "old");
  {
    AtomicFile file(folder / "pages.h5");
    write_text(file.temporary(), "half of the n");
  }
  EXPECT_EQ(folder.files(), Names{"pages.h5"});
  EXPECT_EQ(read_text(folder / "pages.h5"), "old");
  AtomicFile file(folder / "pages.h5");
  write_text(file.temporary(), "new");
  file.commit();
  EXPECT_EQ(read_text(folder / "pages.h5"), "new");
}

TEST(AtomicFile, MakesTheFoldersOfItsPath) {
  const ScratchFolder folder;
  AtomicFile file(folder / "runs/today/pages.h5");
  write_text(file.temporary(), "new");
  file.commit();
  EXPECT_EQ(read_text(folder / "runs/today/pages.h5"), "new");
}

TEST(AtomicFile, FolderThatCannotBeMadeIsNamed) {
  const ScratchFolder folder;
  write_text(folder / "runs", "a file where a folder should be");
  try {
    const AtomicFile file(folder / "runs/pages.h5");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder / "runs").string()));
    EXPECT_THAT(error.what(), HasSubstr("Not a directory"));
  }
}

TEST(AtomicFile, CommitOfAMissingTemporaryThrows) {
  const ScratchFolder folder;
  AtomicFile file(folder / "pages.h5");
  EXPECT_THROW(file.commit(), IoError);
}

TEST(AtomicFile, PathTakenByAFolderIsNamed) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder / "pages.h5/inside");
  AtomicFile file(folder / "pages.h5");
  write_text(file.temporary(), "new");
  try {
    file.commit();
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder / "pages.h5").string()));
  }
}

TEST(AtomicFile, SweepsAwayWhatOneLeftWhoIsDeadThoughNobodyAskedAboutIt) {
  const ScratchFolder folder;
  const auto scratch = folder / "partial";
  const AtomicFile own(folder / "mine", scratch);
  write_text(own.temporary(), "still being written");
  const pid_t writer = ::fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    const AtomicFile file(folder / "theirs", scratch);
    write_text(file.temporary(), "half");
    ::_exit(0);
  }
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(writer), &ended, WEXITED | WNOWAIT), 0);
  const auto files = [&] {
    Names names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch)) {
      names.insert(entry.path().filename());
    }
    return names;
  };
  EXPECT_EQ(files().size(), 2);
  AtomicFile::sweep(scratch);
  EXPECT_EQ(files(), Names{own.temporary().filename()});
  EXPECT_EQ(::waitpid(writer, nullptr, 0), writer);
}

}  // namespace
}  // namespace sluice::store
