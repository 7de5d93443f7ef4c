// The main job in batch mode, with object storage between its stages, against a real server.
#include "s3/test.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace sluice {
namespace {

int run(const std::string& command) { return std::system(command.c_str()); }

std::string sluice_run(const std::string& job, const std::string& more) {
  return fmt::format(
      "'{0}/sluice' run '{1}/{2}' --set 'input.files=[\"{3}/*.png\"]' "
      "--set stage.ocr.plugin='{0}/libsluice_tesseract.so' {4}",
      BUILD, JOBS, job, PAGES, more);
}

class AnnotateDocuments : public s3::Test {};

TEST_F(AnnotateDocuments, GivesTheSamePagesByWayOfABucket) {
  s3::set_environment(s3::Server::instance());
  ASSERT_EQ(run("rm -rf '" RUNS "'"), 0);
  ASSERT_EQ(run(sluice_run("job.toml", "--run-dir '" RUNS "/streaming'")), 0);
  const auto batch =
      sluice_run("job-batch-s3.toml",
                 fmt::format("--set store.uri=s3://{}/run --run-dir '{}/batch'", bucket_, RUNS));
  ASSERT_EQ(run("mpirun --timeout 120 -n 3 " + batch), 0);
  EXPECT_EQ(
      run("'" BUILD "/compare-pages' '" RUNS "/streaming/pages.h5' '" RUNS "/batch/pages.h5'"), 0);
}

}  // namespace
}  // namespace sluice
