// The main of every test executable that runs under mpirun: every rank runs every test, the first
// one prints, and the others say only what failed.
#include "transport/mpi.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace {

class FailurePrinter final : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::fprintf(stderr, "rank %d, %s.%s, %s:%d: %s\n", sluice::transport::launcher_rank(),
                 info->test_suite_name(), info->name(), result.file_name(), result.line_number(),
                 result.message());
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (sluice::transport::launcher_rank() > 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);
  }
  return RUN_ALL_TESTS();
}
