// The main of every test executable that runs under mpirun: every rank runs every test, the first
// one prints, and the others say only what failed.
#include "transport/mpi.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace {

class FailurePrinter final : public testing::EmptyTestEventListener {
  // GoogleTest holds its lock while it reports a failure: the test's name cannot be asked for then.
  void OnTestStart(const testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const char* file = result.file_name() == nullptr ? "(no file)" : result.file_name();
    std::fprintf(stderr, "rank %d, %s, %s:%d: %s\n", sluice::transport::launcher_rank(),
                 test_.c_str(), file, result.line_number(), result.message());
  }

  std::string test_;
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
