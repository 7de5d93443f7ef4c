#include "cli/process.hpp"

#include "store/scratch_folder.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

// As mpirun's ranks are, the child of the program is in a process group of its own.
TEST(RunProcess, KillsAllThatIsLeftAtItsLimit) {
  const store::ScratchFolder folder;
  const auto ended = run_process({"bash", "-c", "setsid sleep 1000 & echo $! > child; wait"},
                                 folder.path(), std::chrono::seconds(1));
  EXPECT_TRUE(ended.timed_out);
  EXPECT_EQ(ended.code, -1);
  const auto child = std::to_string(std::stoi(store::read_text(folder / "child")));
  std::error_code gone;  // there may be nobody to reap it
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + child + "/exe", gone), "");
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace sluice::cli
