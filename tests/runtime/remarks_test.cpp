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

class Talks final : public MapStage<Item, Item> {
 public:
  explicit Talks(bool varies) : varies_(varies) {}
  Item map(Item item) override {
    remark(varies_ ? "remark of " + std::to_string(item.number) : std::string("remark of all"));
    return item;
  }

 private:
  bool varies_;
};

std::size_t lines_of(Mode mode, bool varies) {
  PipelineSpec spec(Pipeline<Item>("talkative").then(Talks(varies)), testing::items(500));
  spec.options.mode = mode;
  spec.options.workers = 2;
  spec.options.run_dir = ::testing::TempDir() + "remarks-" + std::to_string(::getpid());
  ::testing::internal::CaptureStderr();
  run_pipeline(spec);
  const auto said = ::testing::internal::GetCapturedStderr();
  std::filesystem::remove_all(spec.options.run_dir);
  std::size_t lines = 0;
  for (auto at = said.find("remark of"); at != std::string::npos;
       at = said.find("remark of", at + 1)) {
    ++lines;
  }
  return lines;
}

TEST(Remarks, OfEachRecordAreSaidOnceAndNotWithoutEnd) {
  for (const auto mode : {Mode::streaming, Mode::debug}) {
    EXPECT_EQ(lines_of(mode, false), 1U);
    const auto lines = lines_of(mode, true);
    EXPECT_GE(lines, 100U);
    EXPECT_LE(lines, 200U);
  }
}

}  // namespace
}  // namespace sluice
