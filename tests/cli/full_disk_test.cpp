// Streaming runs whose disk is full from some write on: they say so and end, and where there is
// room they go on.
#include "cli/resumed_runs.hpp"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;

class FullDisk : public Resumed {
 protected:
  /// Returns whether the run came so far.
  bool fill_and_resume(const std::string& file, int write, bool mpi) {
    const auto what = fmt::format("write {} of {}{}", write, file, mpi ? " under mpirun" : "");
    SCOPED_TRACE(what);
    const auto ended = run_with_fault(fmt::format("full={}:{}", file, write), mpi);
    if (ended.code == 0) return false;
    expect_code(ended, 8);
    EXPECT_THAT(ended.err, HasSubstr("No space left on device"));
    EXPECT_THAT(ended.err, HasSubstr("out/"));
    end_well(mpi ? 1 : 0);
    return true;
  }

  void explore(const std::vector<int>& writes) {
    int hits = 0;
    bool mpi = false;
    for (const auto* file : {"/out/journal", "/out/files/", "/out.jsonl", "/rows.jsonl"}) {
      for (const int write : writes) {
        hits += fill_and_resume(file, write, mpi) ? 1 : 0;
        mpi = !mpi;
      }
    }
    fmt::print("{} full disks\n", hits);
    EXPECT_GE(hits, 2 * static_cast<int>(writes.size())) << "faults must have hit";
  }
};

TEST_F(FullDisk, LosesNothingWhicheverWriteOfJournalAndSinksIsTheFirstToFail) { explore({2, 5}); }

using FullDiskSoak = FullDisk;
TEST_F(FullDiskSoak, LosesNothingWhicheverWriteOfJournalAndSinksIsTheFirstToFail) {
  explore({1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 30, 40});
}

}  // namespace
}  // namespace sluice::cli
