#include "store/run_lock.hpp"

#include "store/run_owner.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>
#include <optional>
#include <thread>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;

class RunLocks : public ::testing::TestWithParam<RunLock::Way> {
 protected:
  std::string refusal() {
    try {
      const RunLock lock(folder_.path(), GetParam());
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  /// A process that has the lock and does nothing.
  pid_t start_holder() {
    const pid_t child = ::fork();
    if (child == 0) {
      const RunLock lock(folder_.path(), GetParam());
      write_text(folder_ / "ready", "");
      ::pause();
      ::_exit(0);
    }
    while (!std::filesystem::exists(folder_ / "ready")) std::this_thread::yield();
    return child;
  }

  ScratchFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(All, RunLocks,
                         ::testing::Values(RunLock::Way::locked, RunLock::Way::file_alone));

TEST_P(RunLocks, OneRunAtATime) {
  {
    const RunLock lock(folder_.path(), GetParam());
    EXPECT_THAT(refusal(), HasSubstr(fmt::format("process {} on host", ::getpid())));
    EXPECT_THAT(refusal(), HasSubstr("sluice resume")) << "still, and it says what to do";
  }
  EXPECT_TRUE(folder_.files().empty());
  EXPECT_EQ(refusal(), "");
}

TEST_P(RunLocks, TheOneOfAKilledProcessDoesNotCount) {
  const pid_t holder = start_holder();
  EXPECT_THAT(refusal(), HasSubstr(fmt::format("process {} on host", holder)));
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  EXPECT_FALSE(folder_.files().empty());
  EXPECT_EQ(refusal(), "");
  EXPECT_FALSE(folder_.files().contains(".sluice.lock"));
}

TEST(RunLock, WithoutLocksThatOfAnotherHostMustBeDeleted) {
  const ScratchFolder folder;
  auto owner = new_owner();
  owner.host += "-2";
  write_text(folder / ".sluice.lock", to_json(owner) + "\n");
  try {
    const RunLock lock(folder.path(), RunLock::Way::file_alone);
    FAIL() << "it is another's";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(owner.host));
    EXPECT_THAT(error.what(), HasSubstr("delete '" + (folder / ".sluice.lock").string()));
  }
  const RunLock lock(folder.path());  // where there are locks, nobody has this one
}

TEST(RunLock, AFolderThatCannotBeWrittenIsNamed) {
  const ScratchFolder folder;
  write_text(folder / "file", "");
  EXPECT_THROW(RunLock(folder / "file"), IoError);
}

TEST(RunOwner, ComesBackFromItsText) {
  const auto owner = new_owner();
  EXPECT_EQ(run_owner(to_json(owner)), owner);
  EXPECT_EQ(run_owner(""), std::nullopt);
  EXPECT_EQ(run_owner("{}"), std::nullopt);
  EXPECT_NE(new_owner().token, owner.token);
}

}  // namespace
}  // namespace sluice::store
