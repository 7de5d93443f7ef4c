#include "control/device_path.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

constexpr End here{1, 0, 0, true};
constexpr End same_process{1, 0, 1, true};
constexpr End same_gpu{2, 0, 0, true};
constexpr End same_node{2, 0, 1, true};
constexpr End elsewhere{3, 1, 0, true};
constexpr End cpu{4, 0, 0, false};
constexpr Means all{true, true};

TEST(DevicePath, TakesTheShortestThatAPairHas) {
  EXPECT_EQ(choose_path(here, same_process, all, Wish::automatic), Path::direct);
  EXPECT_EQ(choose_path(here, same_gpu, all, Wish::automatic), Path::ipc);
  EXPECT_EQ(choose_path(here, same_node, all, Wish::automatic), Path::ipc);
  EXPECT_EQ(choose_path(here, elsewhere, all, Wish::automatic), Path::nccl);
}

TEST(DevicePath, GoesThroughTheHostWhereNothingElseGoes) {
  EXPECT_EQ(choose_path(here, elsewhere, {true, false}, Wish::automatic), Path::host);
  EXPECT_EQ(choose_path(here, same_node, {false, false}, Wish::automatic), Path::host);
  EXPECT_EQ(choose_path(here, cpu, all, Wish::automatic), Path::host);
  EXPECT_EQ(choose_path(cpu, here, all, Wish::automatic), Path::host);
}

TEST(DevicePath, DoesWhatIsWishedForIfItCan) {
  EXPECT_EQ(choose_path(here, same_process, all, Wish::host), Path::host);
  EXPECT_EQ(choose_path(here, same_node, all, Wish::host), Path::host);
  EXPECT_EQ(choose_path(here, same_node, all, Wish::nccl), Path::nccl);
  EXPECT_EQ(choose_path(here, same_gpu, all, Wish::nccl), Path::host) << "NCCL refuses that";
  EXPECT_EQ(choose_path(here, elsewhere, all, Wish::ipc), Path::host);
}

}  // namespace
}  // namespace sluice::control
