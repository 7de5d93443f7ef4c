#include "runtime/gpu_count.hpp"

#include "store/scratch_folder.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

TEST(GpuCount, CountsDevicesThatTheEnvironmentLeaves) {
  const store::ScratchFolder devices;
  EXPECT_EQ(gpu_count(nullptr, devices.path()), 0u);
  for (const auto* name : {"nvidia0", "nvidia1", "nvidiactl", "nvidia", "null"}) {
    store::write_text(devices / name, "");
  }
  EXPECT_EQ(gpu_count(nullptr, devices.path()), 2u);
  EXPECT_EQ(gpu_count("", devices.path()), 0u);
  EXPECT_EQ(gpu_count("-1", devices.path()), 0u);
  EXPECT_EQ(gpu_count("1", devices.path()), 1u);
  EXPECT_EQ(gpu_count("1,-1,0", devices.path()), 1u);
  EXPECT_EQ(gpu_count("0,1", devices.path()), 2u);
  EXPECT_EQ(gpu_count("GPU-8932f937,1,2", devices.path()), 2u) << "no more than there are";
  EXPECT_EQ(gpu_count("0", devices / "missing"), 0u);
}

}  // namespace
}  // namespace sluice::runtime
