// Runs of the program with a stage in a process of its own.
#include "cli/process_runs.hpp"
#include "runtime/variable.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using Json = nlohmann::json;
using store::read_text;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ProcessRun : public ProcessRuns {};

TEST_P(ProcessRun, GivesTheSameOutputAsDebugMode) {
  write_job({"copy"}, 60);
  const auto ended = run();
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("out/out.jsonl").size(), 60u);
  EXPECT_EQ(lines("out/out.jsonl"), undisturbed());
  expect_no_workers();
}

TEST_P(ProcessRun, LosesNothingWhenWorkersAreKilled) {
  write_job({"sleeps", "20"}, 400, "workers = 2");
  EXPECT_GT(run_and_kill_workers(std::chrono::milliseconds(200), std::chrono::seconds(60)), 3);
  EXPECT_EQ(lines("out/out.jsonl"), undisturbed());
  expect_no_workers();
}

TEST_P(ProcessRun, GivesUpARecordOverWhichProcessesDie) {
  write_job({"crashes", "k17"}, 40, "on_failure = \"dead_letter\"");
  const auto ended = run();
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("out/out.jsonl").size(), 39u);
  EXPECT_THAT(
      read_text(folder_ / "out/dead_letters.jsonl"),
      AllOf(HasSubstr("\"key\":\"k17\""), HasSubstr("signal 11"), HasSubstr("about to crash")));
}

TEST_P(ProcessRun, StopsWithTheProcessesLastLines) {
  write_job({"exits"}, 10);
  const auto ended = run();
  expect_code(ended, 6);
  EXPECT_THAT(
      ended.err,
      ContainsRegex(
          "stage 'work': setup_on_node on rank [0-9]+ \\(.*\\) failed after 3 attempts: the "
          "process died before it said hello: exit code 3; its last lines "
          "\\(out/logs/work-w[0-9]+.log\\):\n      line 31\n(.*\n)*"
          "      ImportError: no module named 'nothing'"));
  expect_no_workers();
}

TEST_P(ProcessRun, NamesWhatIsMissing) {
  write_job({"echo"}, 10);
  auto ended = run({"--set", "stage.work.env.venv=no/venv"});
  expect_code(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("env.venv = \"no/venv\" is no virtual environment"));
  ended = run({"--fresh", "--set", "stage.work.command=[\"no-such-program\"]"});
  expect_code(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("command needs the program 'no-such-program', which is not on"));
  ended = run({"--fresh", "--set", "stage.work." + command({"old"})});
  expect_code(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("speaks version 2 of the protocol"));
}

TEST_P(ProcessRun, StopsForGarbageAndForRecordsTooLargeForItsMemory) {
  write_job({"garbage"}, 10);
  auto ended = run();
  expect_code(ended, 6);
  EXPECT_THAT(ended.err, HasSubstr("sent what the protocol does not allow, a table that"));
  ended = run({"--fresh", "--set", "stage.make.settings.output_bytes=1MiB", "--set",
               "stage.work.shared_memory=512KiB", "--set", "stage.work." + command({"echo"})});
  expect_code(ended, 6);
  EXPECT_THAT(ended.err, HasSubstr("more than the shared memory to its process holds (0.5 MiB)"));
}

TEST_P(ProcessRun, NoProcessOutlivesARunThatFailsOrIsKilled) {
  write_job({"fails", "k5"}, 10);
  expect_code(run(), 6);
  expect_no_workers();
  write_job({"hangs"}, 10);
  run_and_signal(
      sluice(GetParam(), {"--fresh"}), folder_.path(), [this] { return !workers().empty(); },
      SIGKILL);
  expect_no_workers();
}

TEST_P(ProcessRun, EndsWhenItsProcessHangs) {
  write_job({"hangs"}, 10, "stall_after = \"1s\"");
  const auto ended = run();
  expect_code(ended, 10);
  EXPECT_THAT(ended.err, HasSubstr("(stage 'work', in process) does not return from its code"));
  expect_no_workers();
}

TEST_P(ProcessRun, GivesEachWorkerGpusOfItsOwn) {
  const runtime::Variable gpus("SLURM_GPUS_ON_NODE", "4");
  write_job({"notes", "notes"}, 10, "gpus = 2\nworkers = 2");
  expect_code(run(), 0);
  std::set<std::string> seen;
  for (const auto& note : lines("notes")) {
    const auto setup = nlohmann::json::parse(note);
    EXPECT_EQ(setup["visible"],
              fmt::format("{}", fmt::join(setup["gpus"].get<std::vector<std::string>>(), ",")));
    seen.insert(setup["visible"]);
  }
  EXPECT_THAT(seen, ElementsAre("0,1", "2,3"));
}

class DeepRun : public ProcessRuns {
 protected:
  // As many as the workers of the stage ever had at once.
  std::string most() const {
    std::string found;
    for (const auto& log : std::filesystem::directory_iterator(folder_ / "out/logs")) {
      const auto text = read_text(log.path());
      for (auto at = text.find("most "); at != std::string::npos; at = text.find("most ", at + 1)) {
        found = std::max(found, text.substr(at, 6));
      }
    }
    return found;
  }
};

TEST_P(DeepRun, ItsProcessesHaveAsManyBatchesAsTheDepth) {
  write_job({"gathers", "4"}, 120, "depth = 4\nworkers = 2");
  const auto ended = run();
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("out/out.jsonl"), undisturbed());
  EXPECT_EQ(most(), "most 4");
  expect_no_workers();
}

TEST_P(DeepRun, HasASpanForEachOfTheBatchesThatAreThereAtOnce) {
  write_job({"gathers", "4"}, 120, "depth = 4\nworkers = 2");
  ASSERT_EQ(run({"--trace"}).code, 0);
  const auto call = [this](const std::vector<std::string>& arguments) {
    return run_process(sluice_command(0, arguments), folder_.path());
  };
  ASSERT_EQ(call({"report", "out", "--trace"}).code, 0);
  const auto batches = Json::parse(call({"status", "out", "--json"}).out).at("stages");
  Json expected;
  for (const auto& stage : batches) expected[stage.at("name")] = stage.at("batches");
  const auto checked = run_process(
      {"python3", SLUICE_CHECK_TRACE, "out/trace.json", expected.dump()}, folder_.path());
  ASSERT_EQ(checked.code, 0) << checked.err;
  const auto trace = Json::parse(checked.out);
  EXPECT_EQ(trace.at("at_once").at("work"), 4) << trace;
  EXPECT_EQ(trace.at("at_once").at("make"), 1) << trace;
  EXPECT_EQ(trace.at("keys"), 120);
  const int made = expected.at("make"), worked = expected.at("work");
  EXPECT_GE(trace.at("flows"), made + worked) << trace;  // each has outputs, and they were sent
}

TEST_P(DeepRun, LosesNothingWhenWorkersAreKilledWithBatchesInThem) {
  write_job({"gathers", "5"}, 400, "depth = 4\nworkers = 2");
  EXPECT_GT(run_and_kill_workers(std::chrono::milliseconds(200), std::chrono::seconds(60)), 3);
  EXPECT_EQ(lines("out/out.jsonl"), undisturbed());
  EXPECT_EQ(most(), "most 4");
  expect_no_workers();
}

TEST_P(DeepRun, GivesUpTheOneRecordOverWhichProcessesDie) {
  write_job({"gathers", "4", "crashes", "k17"}, 40, "depth = 4\non_failure = \"dead_letter\"");
  const auto ended = run();
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("out/out.jsonl").size(), 39u);
  EXPECT_THAT(read_text(folder_ / "out/dead_letters.jsonl"),
              AllOf(HasSubstr("\"key\":\"k17\""), HasSubstr("signal 11")));
}

TEST_P(DeepRun, EndsWhenOneOfSeveralBatchesHangs) {
  write_job({"gathers", "2", "keeps", "k17"}, 400, "depth = 4\nstall_after = \"1s\"\nworkers = 2");
  const auto ended = run();
  expect_code(ended, 10);
  EXPECT_THAT(ended.err, ContainsRegex("\\(stage 'work', in process\\) has not answered a batch "
                                       "from input 'k[0-9]+' on for"));
  expect_no_workers();
}

INSTANTIATE_TEST_SUITE_P(Launches, DeepRun,
                         ::testing::Values(Launch{"Threads", 0, "streaming"},
                                           Launch{"Mpi", 5, "streaming"}),
                         [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(Launches, ProcessRun,
                         ::testing::Values(Launch{"Threads", 0, "streaming"},
                                           Launch{"BatchThreads", 0, "batch"},
                                           Launch{"Mpi", 5, "streaming"}),
                         [](const auto& each) { return each.param.name; });

class ProcessUnderMpi : public ProcessRuns {};

TEST_P(ProcessUnderMpi, DiesWithItsRank) {
  write_job({"hangs"}, 10, "workers = 1");
  const auto rank = [this] {
    for (int each = 1; each < 4; ++each) {
      const pid_t pid = rank_in(folder_.path(), each);
      std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid));
      if (pid_t child = 0; children >> child) return pid;
    }
    return 0;
  };
  run_and_signal(
      sluice(GetParam()), folder_.path(), [&] { return !workers().empty(); }, SIGKILL, rank);
  expect_no_workers();
}

// No launcher's variables, no files but its own.
TEST_P(ProcessUnderMpi, KnowsNothingOfTheLauncher) {
  write_job({"echo"}, 10);
  const auto ended = run({"--set",
                          "stage.work.command=[\"sh\", \"-c\", \"env | grep -E '^(OMPI|PMIX)_'; "
                          "ls /proc/self/fd | tr '\\\\n' ' '; exit 5\"]"});
  expect_code(ended, 6);
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("exit code 5"), ContainsRegex("\n      0 1 2 3 4 5 (6 )?")));
  EXPECT_THAT(ended.err, Not(ContainsRegex("    (OMPI|PMIX)_")));
}

INSTANTIATE_TEST_SUITE_P(Launches, ProcessUnderMpi,
                         ::testing::Values(Launch{"Mpi", 4, "streaming"}),
                         [](const auto& each) { return each.param.name; });

class ProcessSoak : public ProcessRuns {};

TEST_P(ProcessSoak, WorkersKilledForTwoMinutes) {
  write_job({"sleeps", "20"}, 33000, "workers = 2");
  const auto before = std::chrono::steady_clock::now();
  const int kills = run_and_kill_workers(std::chrono::milliseconds(200), std::chrono::seconds(900));
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GT(took, std::chrono::seconds(100));
  EXPECT_GT(kills, took / std::chrono::milliseconds(200) / 2);
  EXPECT_EQ(lines("out/out.jsonl"), undisturbed());
  expect_no_workers();
}

INSTANTIATE_TEST_SUITE_P(Launches, ProcessSoak,
                         ::testing::Values(Launch{"Threads", 0, "streaming"},
                                           Launch{"Mpi", 5, "streaming"}),
                         [](const auto& each) { return each.param.name; });

class ProcessInDebugMode : public ProcessRuns {};

TEST_P(ProcessInDebugMode, IsAtTheTerminal) {
  write_job({"chatty"}, 10);
  const auto ended = run();
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_GT(ended.out.size(), 3'000'000u);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/logs"));
}

TEST_P(ProcessInDebugMode, HasNoEnvironmentToGive) {
  write_job({"echo"}, 10, "env = { variables = { A = \"b\" } }");
  const auto ended = run();
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("it needs an environment of its own (env: variables), "
                                   "and debug mode has none to give"));
  EXPECT_EQ(run({"--set", "stage.work.env={}"}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Launches, ProcessInDebugMode,
                         ::testing::Values(Launch{"Debug", 0, "debug"}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace sluice::cli
