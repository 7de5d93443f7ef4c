// What stages say for people.
#include "runtime/pipelines.hpp"

#include <sluice/remark.hpp>

#include <unistd.h>

#include <filesystem>

namespace sluice {
namespace {

using testing::Item;

class SaysGoodbye final : public MapStage<Item, Item> {
 public:
  Item map(Item item) override { return item; }
  void teardown() override { remark("that was all"); }
};

TEST(Remarks, OfTheLastTeardownAreSaidToo) {
  for (const auto mode : {Mode::streaming, Mode::batch}) {
    PipelineSpec spec(Pipeline<Item>("talkative").then(SaysGoodbye()), testing::items(5));
    spec.options.mode = mode;
    spec.options.workers = 1;
    spec.options.run_dir = ::testing::TempDir() + "remarks-" + std::to_string(::getpid());
    ::testing::internal::CaptureStderr();
    run_pipeline(spec);
    const auto said = ::testing::internal::GetCapturedStderr();
    std::filesystem::remove_all(spec.options.run_dir);
    EXPECT_NE(said.find("that was all"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace sluice
