#include "job/build.hpp"
#include "job/plugin.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<JobStage> stages_of(const std::string& stage) {
  auto registry = builtin_stages();
  return build_stages(
      parse_job("[input]\nkeys = [\"a\", \"b\"]\n[[stage]]\nname = \"s\"\n" + stage, "job.toml"),
      registry);
}

ErasedSpec spec_of(const std::string& stage) {
  const auto job =
      parse_job("[input]\nkeys = [\"a\", \"b\"]\n[[stage]]\nname = \"s\"\n" + stage, "job.toml");
  auto registry = builtin_stages();
  return build_spec(job, build_stages(job, registry), {});
}

TEST(Build, UnknownKindNamesTheNearest) {
  EXPECT_EQ(thrown<UsageError>([] { stages_of("use = \"fs.raed\""); }),
            "job.toml:5: stage 's' uses the unknown stage kind 'fs.raed'; did you mean 'fs.read'? "
            "'sluice stages' lists the kinds; a plugin's are known once the stage names it with "
            "plugin = \"PATH\"");
}

TEST(Build, SettingsAreCheckedByTheKindToo) {
  EXPECT_EQ(thrown<UsageError>([] {
              stages_of("use = \"jsonl.write\"\nsettings = { path = \"x\", payload = \"all\" }");
            }),
            "job.toml:5: stage 's' (jsonl.write) refuses its settings: settings.payload must be "
            "\"base64\" or \"digest\"; it is \"all\"");
  EXPECT_THAT(thrown<UsageError>([] { stages_of("use = \"hdf5.write\""); }),
              StartsWith("job.toml:3: stage 's' needs the setting 'path' of hdf5.write: "));
}

TEST(Build, KnobsStartFromTheKindsDefaults) {
  const auto write = "use = \"jsonl.write\"\nsettings = { path = \"x\" }\n";
  EXPECT_EQ(stages_of(write)[0].spec.workers, 1u);
  EXPECT_EQ(stages_of(std::string(write) + "workers = 3")[0].spec.workers, 3u);
  const auto spec = stages_of(std::string(write) + "workers_per_node = 2")[0].spec;
  EXPECT_EQ(spec.workers, std::nullopt);
  EXPECT_EQ(spec.workers_per_node, 2u);
  const auto slow = stages_of(
                        "use = \"synthetic\"\nspeed = 2\nbatch_wait = \"1s\"\nslots = 4\n"
                        "cpus = 0.5\nbyte_budget = \"1MB\"\nbatch_size = 7\nattempts = 5\n"
                        "on_failure = \"dead_letter\"\nsetup_attempts = 9\n"
                        "max_worker_lifetime = \"2h\"")[0]
                        .spec;
  EXPECT_EQ(slow.speed, 2.0);
  EXPECT_EQ(slow.batch_wait, std::chrono::seconds(1));
  EXPECT_EQ(slow.slots, 4u);
  EXPECT_EQ(slow.cpus, 0.5);
  EXPECT_EQ(slow.byte_budget, 1000000u);
  EXPECT_EQ(slow.batch_size, 7u);
  EXPECT_EQ(slow.attempts, 5u);
  EXPECT_EQ(slow.on_failure, OnFailure::dead_letter);
  EXPECT_EQ(slow.setup_attempts, 9u);
  EXPECT_EQ(slow.max_worker_lifetime, std::chrono::hours(2));
}

TEST(Build, WhatAWorkerTakesIsRead) {
  const auto spec = stages_of(
                        "use = \"synthetic\"\ngpus = 0.25\nmemory = \"2GiB\"\nselectivity = 3\n"
                        "over_provision = 1.5\nspmd = 4")[0]
                        .spec;
  EXPECT_EQ(spec.gpus, 0.25);
  EXPECT_EQ(spec.memory, std::uint64_t{2} << 30U);
  EXPECT_EQ(spec.selectivity, 3);
  EXPECT_EQ(spec.over_provision, 1.5);
  EXPECT_EQ(spec.spmd, 4u);
}

TEST(Build, PipelineKnobsAreForStagesThatHaveNoneOfTheirOwn) {
  const auto job = parse_job(
      "[pipeline]\nworkers = 3\ncpus = 2\nslots = 4\n[input]\nkeys = [\"a\"]\n"
      "[[stage]]\nuse = \"synthetic\"\ncpus = 5\n"
      "[[stage]]\nuse = \"jsonl.write\"\nsettings = { path = \"x\" }",
      "j.toml");
  auto registry = builtin_stages();
  const auto stages = build_stages(job, registry);
  EXPECT_EQ(stages[0].spec.workers, 3u);
  EXPECT_EQ(stages[0].spec.cpus, 5);
  EXPECT_EQ(stages[0].spec.slots, 4u);
  EXPECT_EQ(stages[1].spec.workers, 1u) << "the kind's own";
  EXPECT_EQ(stages[1].spec.cpus, 0.25) << "the kind's own";
  EXPECT_EQ(stages[1].spec.slots, 4u);
  EXPECT_FALSE(stages[0].spec.writes_at_teardown);
  EXPECT_TRUE(stages[1].spec.writes_at_teardown) << "the kind's own";
}

TEST(Build, DescriptionChangesWithKindAndSettingsOnly) {
  const auto description = [](const std::string& stage) {
    return spec_of(stage).stages[0].description;
  };
  const auto plain = description("use = \"synthetic\"");
  EXPECT_EQ(plain, description("use = \"synthetic\"\nsettings = { mean = 0.01 }"));
  EXPECT_NE(plain, description("use = \"synthetic\"\nsettings = { seed = 8 }"));
  EXPECT_NE(plain, description("use = \"fs.read\""));
}

TEST(Build, EveryWorkerGetsAStageOfItsOwn) {
  const auto spec = spec_of("use = \"synthetic\"\nsettings = { outputs = 2 }");
  const auto first = spec.stages[0].make();
  const auto second = spec.stages[0].make();
  EXPECT_NE(first.get(), second.get());
  const auto result = first->process(spec.input());
  EXPECT_EQ(result.outputs.size(), 4u);
  EXPECT_EQ(second->process(spec.input()).outputs.size(), 4u);
}

TEST(Build, ErrorsCanNameRecordsOnceTheInputIsRead) {
  const auto spec = spec_of("use = \"synthetic\"");
  EXPECT_EQ(spec.input().ids[1].origin, 1u);
  EXPECT_EQ(spec.key_of(1), "b");
}

TEST(Plugin, RegistersItsKinds) {
  const auto stages =
      stages_of("use = \"shout\"\nplugin = \"" GOOD_PLUGIN "\"\nsettings = { mark = \"?\" }");
  Batch<Record> batch({Record("a")});
  Emitter<Record> out(1);
  stages[0].kind.make(stages[0].settings)->process(batch, out);
  EXPECT_EQ(out.records()[0].key, "a?");
}

TEST(Plugin, TwoStagesMayUseOne) {
  EXPECT_EQ(stages_of("use = \"shout\"\nplugin = \"" GOOD_PLUGIN
                      "\"\n[[stage]]\nuse = \"shout\"\nplugin = \"" GOOD_PLUGIN "\"")
                .size(),
            2u);
}

TEST(Plugin, MissingOneSaysWhereItWasLookedFor) {
  EXPECT_EQ(thrown<PluginError>([] { stages_of("use = \"shout\"\nplugin = \"build/libno.so\""); }),
            "job.toml:5: stage 's': plugin 'build/libno.so' does not exist (looked for '" +
                (std::filesystem::current_path() / "build/libno.so").string() +
                "'); build it, or run sluice in the folder to which the path belongs");
}

TEST(Plugin, OneOfAnotherVersionIsNotCalled) {
  EXPECT_EQ(thrown<PluginError>([] { stages_of("use = \"shout\"\nplugin = \"" OLD_PLUGIN "\""); }),
            "job.toml:5: stage 's': plugin '" OLD_PLUGIN
            "' was built for sluice 0.0.7, and this is sluice " SLUICE_VERSION
            "; build the plugin again");
}

TEST(Plugin, LibrariesThatAreNoneAreRefused) {
  EXPECT_THAT(thrown<PluginError>([] { stages_of("use = \"shout\"\nplugin = \"" NO_PLUGIN "\""); }),
              HasSubstr("is a library, but no sluice plugin: it has no function "
                        "sluice_plugin_version"));
  EXPECT_THAT(thrown<PluginError>([] { stages_of("use = \"x\"\nplugin = \"/etc/passwd\""); }),
              HasSubstr("plugin '/etc/passwd' cannot be loaded: "));
}

TEST(Plugin, CannotTakeATakenName) {
  auto registry = builtin_stages();
  load_plugin(GOOD_PLUGIN, "first", registry);
  EXPECT_THAT(thrown<PluginError>([&] { load_plugin(GOOD_PLUGIN, "second", registry); }),
              HasSubstr("cannot register its stages: there are two stage kinds named 'shout'"));
}

}  // namespace
}  // namespace sluice::job
