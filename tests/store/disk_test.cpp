#include "store/disk.hpp"

#include "store/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

TEST(FilesBelow, FollowsNoLinksNotEvenInCircles) {
  const ScratchFolder folder;
  fs::create_directories(folder / "a/b");
  write_text(folder / "a/b/file", "x");
  fs::create_directory_symlink("..", folder / "a/b/up");
  fs::create_directory_symlink(folder.path(), folder / "a/all");
  fs::create_symlink("round", folder / "round");
  fs::create_symlink("nowhere", folder / "lost");
  const std::vector<fs::path> files{folder / "a/b/file", folder / "lost", folder / "round"};
  EXPECT_EQ(files_below(folder.path()), files);
  EXPECT_TRUE(files_below(folder / "absent").empty());
}

}  // namespace
}  // namespace sluice::store
