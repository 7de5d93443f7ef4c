#include "cli/process.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <ostream>
#include <tuple>

namespace sluice::cli {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::HasSubstr;
using ::testing::Not;

struct Case {
  std::string name;
  ExitCode code;
  std::string phrase;
  std::string stage;  ///< lines of the first stage
  std::string input = "keys = [\"a\", \"b\"]";
  std::vector<std::string> options = {};

  friend void PrintTo(const Case& bad, std::ostream* out) { *out << bad.name; }
};

struct Launch {
  std::string name;
  int ranks;
  std::string mode;

  friend void PrintTo(const Launch& launch, std::ostream* out) { *out << launch.name; }
};

const std::string synthetic = "use = \"synthetic\"\n";

const std::vector<Case> cases{
    {"UnknownKey", ExitCode::usage,
     "job.toml:5: unknown key 'stage.first.bacth_size'; did you mean 'batch_size'?",
     "bacth_size = 3\n" + synthetic},
    {"UnknownSetting", ExitCode::usage,
     "unknown setting 'stage.first.settings.outptus'; did you mean 'outputs'?",
     synthetic + "settings = { outptus = 1 }"},
    {"WrongType", ExitCode::usage,
     "job.toml:5: 'stage.first.batch_size' must be a whole number of at least 1, such as 4; it is "
     "the string \"3\"",
     "batch_size = \"3\"\n" + synthetic},
    {"NotToml", ExitCode::usage, "job.toml:5:", "batch_size = = 3\n" + synthetic},
    {"UnknownKind", ExitCode::usage, "unknown stage kind 'fs.raed'; did you mean 'fs.read'?",
     "use = \"fs.raed\""},
    {"MissingSetting", ExitCode::usage, "stage 'first' needs the setting 'path' of jsonl.write",
     "use = \"jsonl.write\""},
    {"UnknownMode",
     ExitCode::usage,
     "\"auto\", \"streaming\", \"batch\" or \"debug\"",
     synthetic,
     "keys = [\"a\"]",
     {"--set", "pipeline.mode=bacth"}},
    {"BadSet",
     ExitCode::usage,
     "--set stage.frist.speed=2: the job file has no stage 'frist'",
     synthetic,
     "keys = [\"a\"]",
     {"--set", "stage.frist.speed=2"}},
    {"BadOption",
     ExitCode::usage,
     "not expected: --bogus",
     synthetic,
     "keys = [\"a\"]",
     {"--bogus"}},
    {"MissingPlugin", ExitCode::plugin, "plugin 'libno.so' does not exist",
     "use = \"x\"\nplugin = \"libno.so\""},
    {"PluginOfAnotherVersion", ExitCode::plugin, "was built for sluice 0.0.7, and this is sluice",
     "use = \"x\"\nplugin = \"" OLD_PLUGIN "\""},
    {"GlobWithoutFiles", ExitCode::input, "no file matches input.files 'pages/*.png'", synthetic,
     "files = [\"pages/*.png\"]"},
    {"MissingList", ExitCode::input, "cannot read 'keys.txt': No such file or directory", synthetic,
     "list = \"keys.txt\""},
    {"EmptyInput", ExitCode::input, "the input is empty: input.keys", synthetic, "keys = []"},
    {"BadRow", ExitCode::input, "rows.jsonl:2: this is not JSON", synthetic,
     "jsonl = \"rows.jsonl\""},
    {"UnreadableFile", ExitCode::input,
     "stage 'first' failed on record 'missing.png': cannot read 'missing.png': No such file",
     "use = \"fs.read\"", "keys = [\"missing.png\"]"},
    {"UnwritableOutput", ExitCode::io, "failed after 3 attempts: cannot ",
     "use = \"jsonl.write\"\nsettings = { path = \"../../blocked/out.jsonl\" }"},
    {"UnwritableRunDir",
     ExitCode::io,
     "cannot create the run directory 'blocked/run'",
     synthetic,
     "keys = [\"a\"]",
     {"--set", "pipeline.run_dir=blocked/run"}},
    {"StageThatThrows", ExitCode::stage,
     "stage 'first' failed on record 'a': synthetic failure (settings.fail = 1)",
     synthetic + "settings = { fail = 1.0 }", "keys = [\"a\"]"},
};

const std::vector<Launch> launches{
    {"Debug", 0, "debug"}, {"Threads", 0, "streaming"}, {"Mpi", 4, "streaming"}};

std::string job_of(const Case& bad) {
  return "[input]\n" + bad.input + "\n[[stage]]\nname = \"first\"\n" + bad.stage +
         "\n[[stage]]\nname = \"last\"\nuse = \"synthetic\"\n";
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void expect_refusal(const Ended& ended, ExitCode code, const std::string& phrase) {
  EXPECT_FALSE(ended.timed_out);
  EXPECT_EQ(ended.code, static_cast<int>(code)) << ended.err;
  EXPECT_EQ(times(ended.err, "sluice: error: "), 1u) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr(phrase));
  EXPECT_THAT(ended.err, Not(HasSubstr("terminate called")));
  EXPECT_THAT(ended.out, Not(HasSubstr("records done")));
}

class BadInput : public ::testing::TestWithParam<std::tuple<Launch, Case>> {};

TEST_P(BadInput, IsOneParagraphAndAnExitCode) {
  const auto& [launch, bad] = GetParam();
  const ScratchFolder folder;
  write_text(folder / "job.toml", job_of(bad));
  write_text(folder / "rows.jsonl", "{}\nbroken\n");
  write_text(folder / "blocked", "a file where a folder should be");
  std::vector<std::string> arguments{"run", "job.toml", "--mode", launch.mode};
  if (bad.name == "UnknownMode") arguments = {"run", "job.toml"};
  arguments.insert(arguments.end(), bad.options.begin(), bad.options.end());
  expect_refusal(run_process(sluice_command(launch.ranks, arguments), folder.path()), bad.code,
                 bad.phrase);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadInput, ::testing::Combine(::testing::ValuesIn(launches), ::testing::ValuesIn(cases)),
    [](const auto& each) { return std::get<0>(each.param).name + std::get<1>(each.param).name; });

class BadLaunch : public ::testing::Test {
 protected:
  void write_job(const std::string& name, const std::string& settings = "") {
    write_text(folder_ / name,
               "[pipeline]\nname = \"same\"\n[input]\nkeys = [\"a\"]\n[[stage]]\nname = \"s\"\nuse "
               "= \"synthetic\"\n" +
                   settings + "\n[[stage]]\nuse = \"synthetic\"\nworkers = 2\n");
  }
  // Three ranks run one job file, one rank another.
  Ended run_two_jobs(const std::string& first, const std::string& second) {
    auto command = sluice_command(3, {"run", first});
    const auto other = sluice_command(1, {"run", second});
    command.emplace_back(":");
    command.insert(command.end(), other.begin() + 1, other.end());
    return run_process(command, folder_.path());
  }
  ScratchFolder folder_;
};

TEST_F(BadLaunch, TooFewRanksSaysHowManyAreNeeded) {
  write_job("job.toml");
  expect_refusal(run_process(sluice_command(2, {"run", "job.toml"}), folder_.path()),
                 ExitCode::launch, "mpirun -n 4");
}

TEST_F(BadLaunch, TooFewThreadsSaysHowManyAreNeeded) {
  write_job("job.toml");
  expect_refusal(
      run_process(sluice_command(0, {"run", "job.toml", "--workers", "2"}), folder_.path()),
      ExitCode::launch, "--workers 3");
}

TEST_F(BadLaunch, RanksThatRunDifferentJobsAreTold) {
  write_job("job.toml");
  write_job("other.toml", "settings = { seed = 8 }");
  const auto ended = run_two_jobs("job.toml", "other.toml");
  expect_refusal(ended, ExitCode::launch, "ranks run different pipelines");
  EXPECT_THAT(ended.err, HasSubstr("seed=8"));
}

TEST_F(BadLaunch, OneRankThatCannotReadTheJobStopsAll) {
  write_job("job.toml");
  expect_refusal(run_two_jobs("job.toml", "missing.toml"), ExitCode::usage,
                 "cannot read 'missing.toml': No such file or directory");
}

TEST_F(BadLaunch, TheCoordinatorsErrorStopsAll) {
  write_job("job.toml");
  expect_refusal(run_two_jobs("missing.toml", "job.toml"), ExitCode::usage,
                 "cannot read 'missing.toml': No such file or directory");
}

}  // namespace
}  // namespace sluice::cli
