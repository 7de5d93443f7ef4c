// How long a user waits for the first record: from the launcher's start until its last stage is
// done with it. The whole of the launcher, MPI_Init and the engine's own start-up.
#include "common/launch.hpp"
#include "common/report.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

int main_of(bool json) {
  const auto same = map<int>([](int record) { return record; });
  const auto pipeline = Pipeline<int>("startup").then(same).then(same).then(same);
  const auto status = run_pipeline(PipelineSpec(pipeline, std::vector<int>(100))).status;
  if (!is_coordinator()) return 0;
  const double end = seconds_since_launch();
  const double first_done = end - (status.seconds - status.first_done.value());
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  const auto ranks = std::string(size == nullptr ? "1" : size) + " ranks";
  print({{"launch to first record done, " + ranks, first_done, "s", Target{Aim::at_most, 1.0}},
         {"of this, in the engine, " + ranks, *status.first_done, "s"}},
        json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The time from launch to the first record done");
  bool json = false;
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([json] { return sluice::bench::main_of(json); });
}
