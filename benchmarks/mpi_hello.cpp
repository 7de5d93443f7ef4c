// The least that any MPI program takes: the yardstick of startup.
#include "common/launch.hpp"
#include "common/report.hpp"

#include <mpi.h>

#include <CLI/CLI.hpp>

#include <string>

int main(int argc, char** argv) {
  CLI::App app("The time from launch to the end of MPI_Init, and of MPI_Finalize");
  bool json = false;
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);

  using sluice::bench::seconds_since_launch;
  int rank = 0;
  int size = 0;
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const double initialized = seconds_since_launch();
  MPI_Finalize();
  const double finalized = seconds_since_launch();
  if (rank != 0) return 0;
  const auto ranks = std::to_string(size) + " ranks";
  sluice::bench::print(
      {{"bare MPI program, launch to MPI_Init done, " + ranks, initialized, "s"},
       {"bare MPI program, launch to MPI_Finalize done, " + ranks, finalized, "s"}},
      json);
  return 0;
}
