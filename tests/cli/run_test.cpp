#include "cli/job_runs.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <set>

namespace sluice::cli {
namespace {

using store::read_text;
using store::ScratchFolder;
using store::write_text;
using ::testing::HasSubstr;

struct Launch {
  std::string name;
  int ranks = 0;
  std::vector<std::string> options;

  friend void PrintTo(const Launch& launch, std::ostream* out) { *out << launch.name; }
};

class Run : public JobRuns, public ::testing::WithParamInterface<Launch> {
 protected:
  Ended run(const std::string& job, const Arguments& more = {}) {
    write_job(job);
    Arguments arguments{"run", "job.toml"};
    arguments.insert(arguments.end(), GetParam().options.begin(), GetParam().options.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return JobRuns::run(arguments, GetParam().ranks);
  }
};

constexpr const char* split_and_write = R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "split"
use = "synthetic"
batch_size = 3
settings = { outputs = 2, drop = 0.2, output_bytes = 5, seed = 9 }
[[stage]]
name = "write"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl", payload = "digest" }
)";

constexpr const char* with_poison = R"(
[pipeline]
run_dir = "out"
attempts = 2
on_failure = "dead_letter"
setup_attempts = 50
max_dead_letters = "50%"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
batch_size = 7
settings = { fail = 0.1, fail_setup = 0.5, seed = 3 }
[[stage]]
name = "write"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl" }
)";

TEST_P(Run, GivesUpWhatCannotBeProcessedAndDoesTheRest) {
  std::string rows;
  for (int i = 0; i < 60; ++i) rows += "{\"key\": \"k" + std::to_string(i) + "\"}\n";
  write_text(folder_ / "rows.jsonl", rows);
  const auto ended = run(with_poison);
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("job: 60 of 60 records done in "));
  EXPECT_THAT(ended.out,
              HasSubstr("records could not be processed: 'out/dead_letters.jsonl' says which"));
  EXPECT_THAT(ended.err, HasSubstr(" dead letters"));
  const auto dead = lines("out/dead_letters.jsonl");
  EXPECT_GT(dead.size(), 2u);
  EXPECT_EQ(lines("out/out.jsonl").size() + dead.size(), 60u);
  for (const auto& line : dead) {
    EXPECT_THAT(line, HasSubstr("\"stage\":\"work\",\"error\":\"synthetic failure"));
  }
  const auto stopped = run(with_poison, {"--set", "pipeline.max_dead_letters=1%"});
  EXPECT_EQ(stopped.code, 6);
  EXPECT_THAT(stopped.err, HasSubstr("max_dead_letters allows 1%"));
  EXPECT_THAT(stopped.err, HasSubstr("synthetic failure (settings.fail = 0.1). All are in "));
}

TEST_P(Run, GivesTheSameOutputAsAnyOther) {
  write_rows(50);
  const auto ended = run(split_and_write);
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("job: 50 of 50 records done in "));
  EXPECT_THAT(ended.out, HasSubstr("head -n 3 out/out.jsonl"));
  const auto written = lines("out/out.jsonl");
  run_process({SLUICE_BINARY, "run", "job.toml", "--mode", "debug", "--run-dir", "other"},
              folder_.path());
  EXPECT_EQ(written, lines("other/out.jsonl"));
  EXPECT_GT(written.size(), 60u);
}

TEST_P(Run, ReadsAndWritesFiles) {
  std::filesystem::create_directory(folder_ / "in");
  for (const auto* name : {"a.txt", "b.txt", "c.txt"}) {
    write_text(folder_ / "in" / name, std::string("content of ") + name);
  }
  const auto ended = run(R"(
[input]
files = ["in/*.txt"]
[[stage]]
use = "fs.read"
[[stage]]
use = "fs.write"
settings = { dir = "copies", suffix = ".copy" }
)");
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(read_text(folder_ / "runs/job/copies/in/b.txt.copy"), "content of b.txt");
  EXPECT_THAT(ended.out, HasSubstr("find 'runs/job/copies' -type f"));
}

TEST_P(Run, UsesThePluginsStages) {
  const auto ended = run(R"(
[input]
keys = ["a", "b"]
[[stage]]
name = "loud"
use = "shout"
plugin = ")" GOOD_PLUGIN R"("
[[stage]]
use = "jsonl.write"
settings = { path = "out.jsonl" }
)",
                         {"--set", "stage.loud.settings.mark=?!"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("runs/job/out.jsonl"),
            (std::multiset<std::string>{"{\"key\":\"a?!\"}", "{\"key\":\"b?!\"}"}));
}

INSTANTIATE_TEST_SUITE_P(Launches, Run,
                         ::testing::Values(Launch{"Debug", 0, {"--mode", "debug"}},
                                           Launch{"Threads", 0, {"--mode", "streaming"}},
                                           Launch{"Mpi", 4, {}},
                                           Launch{"DebugUnderMpi", 3, {"--mode", "debug"}}),
                         [](const auto& each) { return each.param.name; });

TEST(RunCommand, WorkersCanBeCounted) {
  const ScratchFolder folder;
  write_text(folder / "job.toml",
             "[input]\nkeys = [\"a\"]\n[[stage]]\nuse = \"synthetic\"\n[[stage]]\nuse = "
             "\"synthetic\"\n");
  EXPECT_EQ(
      run_process(sluice_command(0, {"run", "job.toml", "--workers", "2"}), folder.path()).code, 0);
}

TEST(RunCommand, ModeOfTheJobFileCounts) {
  const ScratchFolder folder;
  // Debug mode needs no workers, streaming would need two.
  write_text(folder / "job.toml",
             "[pipeline]\nmode = \"debug\"\n[input]\nkeys = [\"a\"]\n[[stage]]\nuse = "
             "\"synthetic\"\n[[stage]]\nuse = \"synthetic\"\n");
  EXPECT_EQ(
      run_process(sluice_command(0, {"run", "job.toml", "--workers", "1"}), folder.path()).code, 0);
}

}  // namespace
}  // namespace sluice::cli
