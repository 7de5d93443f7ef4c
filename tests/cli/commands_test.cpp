#include "cli/process.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/version.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Commands : public ::testing::Test {
 protected:
  Ended sluice(const std::vector<std::string>& arguments, int ranks = 0) {
    return run_process(sluice_command(ranks, arguments), folder_.path());
  }
  Ended shell(const std::string& arguments) {
    return run_process({"bash", "-c", SLUICE_BINARY " " + arguments}, folder_.path());
  }
  ScratchFolder folder_;
};

TEST_F(Commands, VersionIsThatOfTheHeaders) {
  const auto ended = sluice({"--version"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, "sluice " SLUICE_VERSION "\n");
}

TEST_F(Commands, OneRankAnswers) {
  EXPECT_EQ(sluice({"--version"}, 3).out, "sluice " SLUICE_VERSION "\n");
}

TEST_F(Commands, WhatCannotBePrintedIsAnError) {
  for (const auto* few_or_many : {"stages synthetic", "stages --json"}) {
    const auto ended = shell(std::string(few_or_many) + " > /dev/full");
    EXPECT_EQ(ended.code, 8) << few_or_many;
    EXPECT_THAT(ended.err, HasSubstr("cannot write to standard output"));
  }
}

TEST_F(Commands, WhatIsPrintedGetsIntoNoFileOfARunThatBeganWithoutATerminal) {
  write_text(folder_ / "job.toml",
             "[pipeline]\nname = \"closed\"\nrun_dir = \"out\"\n[input]\nkeys = [\"a\"]\n"
             "[[stage]]\nname = \"write\"\nuse = \"jsonl.write\"\n"
             "settings = { path = \"out.jsonl\" }\n");
  EXPECT_EQ(shell("run job.toml <&- >&- 2>&-").code, 0);
  for (const auto* file : {"journal", "out.jsonl", "history.jsonl", "logs/rank-0.log"}) {
    EXPECT_THAT(store::read_text(folder_ / "out" / file), Not(HasSubstr("of 1 "))) << file;
  }
  EXPECT_THAT(store::read_text(folder_ / "out/out.jsonl"), HasSubstr("\"a\""));
}

TEST_F(Commands, HelpNamesTheCommands) {
  const auto ended = sluice({"--help"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("run"), HasSubstr("validate"), HasSubstr("stages")));
  EXPECT_THAT(sluice({"run", "--help"}).out, HasSubstr("--run-dir"));
}

TEST_F(Commands, NoCommandIsAUsageError) {
  const auto ended = sluice({});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err,
            "sluice: error: A subcommand is required; 'sluice --help' and 'sluice COMMAND --help' "
            "say what is\n");
}

TEST_F(Commands, StagesDescribesEveryKind) {
  const auto text = sluice({"stages"}).out;
  for (const auto* kind : {"fs.read", "fs.write", "hdf5.write", "jsonl.write", "synthetic"}) {
    EXPECT_THAT(text, HasSubstr(kind));
  }
  EXPECT_THAT(text, HasSubstr("mean          duration     \"10ms\""));
  EXPECT_THAT(text, HasSubstr("unless the stage says otherwise: cpus = 0.25, workers = 1"));
}

TEST_F(Commands, StagesDescribesOneKindAndPlugins) {
  const auto one = sluice({"stages", "shout", "--plugin", GOOD_PLUGIN});
  EXPECT_EQ(one.out,
            "shout\n    Adds a mark to the key.\n    mark  string       \"!\"  what to add\n");
  const auto unknown = sluice({"stages", "fs.raed"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no stage kind 'fs.raed'; did you mean 'fs.read'?"));
  EXPECT_EQ(sluice({"stages", "--plugin", OLD_PLUGIN}).code, 4);
}

TEST_F(Commands, StagesInJsonCanBeParsed) {
  const auto all = nlohmann::json::parse(sluice({"stages", "--json"}).out);
  EXPECT_EQ(all.size(), 7u);
  const auto one = nlohmann::json::parse(sluice({"stages", "--json", "jsonl.write"}).out).at(0);
  EXPECT_EQ(one.at("settings").at(0).at("required"), true);
  EXPECT_EQ(one.at("settings").at(1).at("default"), "base64");
  EXPECT_EQ(one.at("defaults").at("workers"), 1);
}

TEST_F(Commands, ValidateChecksWithoutRunning) {
  write_text(folder_ / "a.png", "");
  write_text(folder_ / "job.toml",
             "[input]\nfiles = [\"*.png\"]\n[[stage]]\nname = \"read\"\nuse = \"fs.read\"\n"
             "[[stage]]\nname = \"write\"\nuse = \"jsonl.write\"\nbatch_size = 8\n"
             "settings = { path = \"x\" }\n");
  const auto ended = sluice({"validate", "job.toml"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "job: the job is valid; inputs: 1, run directory: runs/job\n"
            "  read   fs.read      its share of workers  batches of 1\n"
            "  write  jsonl.write  1 worker              batches of 8\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(Commands, ValidateFindsWhatRunWould) {
  write_text(folder_ / "job.toml",
             "[input]\nfiles = [\"*.png\"]\n[[stage]]\nname = \"s\"\nuse = \"synthetic\"\n");
  EXPECT_EQ(sluice({"validate", "job.toml"}).code, 3);
  const auto set = sluice({"validate", "job.toml", "--set", "stage.s.speed=0"});
  EXPECT_EQ(set.code, 2);
  EXPECT_THAT(set.err, HasSubstr("--set stage.s.speed=0: 'stage.s.speed' must be a positive"));
  const auto budget = sluice(
      {"validate", "job.toml", "--set", "input.keys=[\"a\"]", "--set", "stage.s.byte_budget=1MB"});
  EXPECT_EQ(budget.code, 2);
  EXPECT_THAT(budget.err, HasSubstr("byte_budget has no meaning for the first stage"));
}

}  // namespace
}  // namespace sluice::cli
