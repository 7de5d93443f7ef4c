#include "process/child.hpp"
#include "process/log_tail.hpp"
#include "process/system.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <csignal>
#include <memory>
#include <thread>

namespace sluice::process {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// A shell, and what it printed.
class Shell {
 public:
  explicit Shell(const std::string& script)
      : output_(checked(::memfd_create("output", MFD_CLOEXEC), "make a file")),
        child_({"/bin/sh",
                {"sh", "-c", script},
                {"A=b"},
                {output_.get(), output_.get(), output_.get()}}) {}

  Child& child() { return child_; }
  std::string how() {
    const auto status = child_.wait(seconds(10));
    return status ? status_text(*status) : "is still there";
  }
  std::string printed() const { return text_from(output_.get(), 0); }

 private:
  store::Descriptor output_;
  Child child_;
};

TEST(Child, SaysHowItEnded) {
  EXPECT_EQ(Shell("exit 3").how(), "exit code 3");
  EXPECT_EQ(Shell("kill -9 $$").how(), "signal 9 (Killed)");
  EXPECT_TRUE(killed_by_others(*Shell("kill -9 $$").child().wait(seconds(10))));
  EXPECT_TRUE(killed_by_others(*Shell("exit 137").child().wait(seconds(10))));
  EXPECT_FALSE(killed_by_others(*Shell("kill -11 $$").child().wait(seconds(10))));
  EXPECT_FALSE(killed_by_others(*Shell("exit 1").child().wait(seconds(10))));
}

TEST(Child, IsWaitedForNoLongerThanAsked) {
  Shell shell("sleep 1000");
  EXPECT_EQ(shell.child().wait(std::chrono::milliseconds(20)), std::nullopt);
  EXPECT_EQ(status_text(shell.child().kill()), "signal 9 (Killed)");
  EXPECT_EQ(shell.how(), "signal 9 (Killed)");
}

TEST(Child, HasNoVariablesAndNoFilesButThoseThatItWasGiven) {
  Shell shell("echo $A; ls /proc/self/fd | tr '\\n' ' '; test -z \"$HOME\"");
  EXPECT_EQ(shell.how(), "exit code 0");
  EXPECT_THAT(shell.printed(), ::testing::MatchesRegex("b\n0 1 2 3 "));  // 3 is the folder's
}

TEST(Child, HearsSignalsThoughWeDoNot) {
  sigset_t mask;
  sigset_t before;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &mask, &before);
  const auto handler = ::signal(SIGHUP, SIG_IGN);
  EXPECT_EQ(Shell("kill -TERM $$").how(), "signal 15 (Terminated)");
  EXPECT_EQ(Shell("kill -HUP $$").how(), "signal 1 (Hangup)");
  ::signal(SIGHUP, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Child, DiesWithTheThreadThatStartedIt) {
  std::unique_ptr<Shell> shell;
  std::thread([&] { shell = std::make_unique<Shell>("sleep 1000"); }).join();
  EXPECT_EQ(shell->how(), "signal 9 (Killed)");
}

TEST(Child, LeadsAGroupOfItsOwnUnlessItIsAtTheTerminal) {
  Shell shell("sleep 1000");
  EXPECT_EQ(::getpgid(shell.child().pid()), shell.child().pid());
  Child other({"/bin/sleep", {"sleep", "1000"}, {}, {0, 1, 2}, true});
  EXPECT_EQ(::getpgid(other.pid()), ::getpgrp());
}

TEST(Child, ThatCannotBecomeItsProgramIsAnError) {
  store::ScratchFolder folder;
  store::write_text(folder / "text", "no program");
  ::chmod((folder / "text").c_str(), 0755);
  const auto start = [&] { Child({(folder / "text").string(), {"text"}, {}, {0, 1, 2}}); };
  EXPECT_THAT(start, ThrowsMessage<StageError>(HasSubstr("text': Exec format error")));
}

TEST(LogTail, ShowsTheLastLinesOfWhatItsProcessPrinted) {
  store::ScratchFolder folder;
  StageLog log(folder / "logs/a.log");
  log.note("before");
  log.begin();
  EXPECT_EQ(log.last_lines(), "");
  std::string text;
  for (int i = 0; i < 30; ++i) text += std::to_string(i) + "\n";
  text += std::string(5000, 'x');
  ASSERT_EQ(::write(log.descriptor(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_THAT(log.last_lines(), ::testing::StartsWith("11\n12\n"));
  EXPECT_THAT(log.last_lines(), ::testing::EndsWith("29\n" + std::string(400, 'x') + " …\n"));
  log.begin();
  EXPECT_EQ(log.last_lines(), "");
  EXPECT_EQ(indented("a\nb\n"), "\n    a\n    b");
}

}  // namespace
}  // namespace sluice::process
