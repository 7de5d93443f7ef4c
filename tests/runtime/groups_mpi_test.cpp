// Groups of ranks that are processes, beside ordinary stages. Every rank runs every test.
#include "runtime/teams.hpp"
#include "transport/mpi.hpp"

#include <mpi.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing::Item;
using testing::items;
using testing::Team;
using testing::team_run;
using testing::Torn;

std::size_t workers() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size == nullptr ? 0 : std::stoul(size) - 1;
}

/// The largest group that leaves a rank for another stage; 0 if there is none.
std::size_t group_size() {
  if (workers() < 3) return 0;
  return workers() < 5 ? 2 : 4;
}

PipelineSpec<Item, Item> with_team(auto team, StageSpec spec, int count) {
  spec.name = "team";
  spec.spmd = group_size();
  const auto pipeline = Pipeline<Item>("teams")
                            .then(testing::Stamp(""), {.name = "before", .batch_size = 3})
                            .then(std::move(team), spec);
  return team_run(pipeline, count);
}

TEST(MpiGroups, AllRanksGetEachBatchAndThePrimaryAnswers) {
  if (group_size() == 0) GTEST_SKIP() << "too few ranks for a group";
  const auto result = run_pipeline(with_team(Team(), {.batch_size = 4}, 200));
  if (!is_coordinator()) return;
  EXPECT_EQ(result.outputs, Team::expected(200, static_cast<int>(group_size())));
}

TEST(MpiGroups, ABatchThatOneRankFailsOnIsTriedAgain) {
  if (group_size() == 0) GTEST_SKIP() << "too few ranks for a group";
  for (const int rank : {0, 1}) {
    const auto result =
        run_pipeline(with_team(Torn(rank, 7, 1), {.batch_size = 4, .attempts = 2}, 40));
    if (!is_coordinator()) continue;
    EXPECT_EQ(result.outputs, Team::expected(40, static_cast<int>(group_size())));
  }
}

/// Adds up with MPI itself.
class Adder : public Stage<Item, Item> {
 public:
  void setup(const WorkerContext& context) override { group_ = context.group; }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    std::vector<int> sums;
    for (const auto& item : batch) sums.push_back(item.number * (group_->rank() + 1));
    int rank = -1;
    group_->with_mpi([&](void* communicator) {
      auto* const comm = static_cast<MPI_Comm*>(communicator);
      MPI_Comm_rank(*comm, &rank);
      MPI_Allreduce(MPI_IN_PLACE, sums.data(), static_cast<int>(sums.size()), MPI_INT, MPI_SUM,
                    *comm);
    });
    if (rank != group_->rank()) throw StageError("another rank in MPI");
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, {sums[i], ""});
  }

 private:
  std::shared_ptr<Group> group_;
};

TEST(MpiGroups, HaveAnMpiCommunicator) {
  if (group_size() == 0) GTEST_SKIP() << "too few ranks for a group";
  const auto result = run_pipeline(with_team(Adder(), {.batch_size = 4}, 12));
  if (!is_coordinator()) return;
  ASSERT_EQ(result.outputs.size(), 12u);
  const auto size = static_cast<int>(group_size());
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(result.outputs[static_cast<std::size_t>(i)].number, i * size * (size + 1) / 2);
  }
}

}  // namespace
}  // namespace sluice
