#include "runtime/gpus.hpp"

#include "runtime/variable.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

namespace sluice::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Gpus : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto* name : {"nvidia0", "nvidia1", "nvidiactl", "nvidia", "null"}) {
      store::write_text(devices_ / name, "");
    }
  }

  std::vector<std::string> visible_as(const char* text) {
    const Variable variable("CUDA_VISIBLE_DEVICES", text);
    return visible_gpus(devices_.path());
  }

  store::ScratchFolder devices_;
};

TEST_F(Gpus, AreTheDevicesThatTheEnvironmentLeaves) {
  EXPECT_THAT(visible_gpus(devices_.path()), ElementsAre("0", "1"));
  EXPECT_THAT(visible_gpus(devices_ / "missing"), IsEmpty());
  EXPECT_THAT(visible_as(""), IsEmpty());
  EXPECT_THAT(visible_as("-1"), IsEmpty());
  EXPECT_THAT(visible_as("1"), ElementsAre("1"));
  EXPECT_THAT(visible_as("1,-1,0"), ElementsAre("1"));
  EXPECT_THAT(visible_as("0,1"), ElementsAre("0", "1"));
  EXPECT_THAT(visible_as("GPU-8932f937,1,2"), SizeIs(2)) << "no more than there are";
  EXPECT_THAT(visible_as("MIG-1,MIG-2,MIG-3"), SizeIs(3)) << "slices of a device";
}

TEST_F(Gpus, AreThoseThatSlurmAllotted) {
  const Variable count("SLURM_GPUS_ON_NODE", "4");
  EXPECT_THAT(visible_gpus(devices_.path()), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(visible_as("0,2"), ElementsAre("0", "2"));
  EXPECT_THAT(visible_as(""), IsEmpty());
}

TEST_F(Gpus, HaveTheNamesThatCudaKnowsThemByHere) {
  const Variable allotted("SLURM_STEP_GPUS", "4,6,7");
  EXPECT_THAT(cuda_names({"7", "4"}, devices_.path()), ElementsAre("7", "4"));
  const Variable renumbered("CUDA_VISIBLE_DEVICES", "0,1,2");
  EXPECT_THAT(cuda_names({"7", "4"}, devices_.path()), ElementsAre("2", "0"));
  EXPECT_THAT(cuda_names({}, devices_.path()), IsEmpty());
  EXPECT_THROW(cuda_names({"5"}, devices_.path()), InvariantError);
}

// With device cgroups every rank counts its own from 0.
TEST_F(Gpus, OfOneNodeHaveDifferentNamesThoughEachRankCountsFromZero) {
  const Variable step("SLURM_STEP_GPUS", "3");
  EXPECT_THAT(visible_as("0"), ElementsAre("3"));
}

}  // namespace
}  // namespace sluice::runtime
