// Stages with a command, and what they take from a model.
#include "job/build.hpp"
#include "job/thrown.hpp"

#include <sluice/model.hpp>

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* model = R"(
[models.m]
env = { venv = "envs/m", variables = { A = "1" } }
cpus = 3
gpus = 0.5
memory = "2GiB"
spmd = 4
settings = { layers = 2, deep = { a = [1, 2.5, true] } }
artifacts = [{ uri = "a.tar", dest = "$SLUICE_NODE_DIR/a", unpack = true }]
)";

JobFile job_of(const std::string& stage, const std::string& before = model) {
  return parse_job(
      before + std::string("[input]\nkeys = [\"a\"]\n[[stage]]\nname = \"s\"\n") + stage,
      "job.toml");
}

JobStage stage_of(const std::string& stage, const std::string& before = model) {
  auto registry = builtin_stages();
  return build_stages(job_of(stage, before), registry).at(0);
}

const std::string command = "command = [\"python\", \"embed.py\"]\n";
const std::string with_model = command + "model = \"m\"\n";

TEST(CommandStage, MakesAProcessStage) {
  const auto stage = stage_of(command + "batch_size = 7\nsettings = { b = 1, a = \"x\" }\n");
  EXPECT_EQ(stage.spec.batch_size, 7u);
  EXPECT_NE(dynamic_cast<ProcessStage*>(stage.kind.make(stage.settings).get()), nullptr);
  EXPECT_EQ(stage.description,
            R"({"command":["python","embed.py"],"settings":{"a":"x","b":1},"env":{"venv":"",)"
            R"("conda":"","modules":[],"container":"","variables":{}}})");
}

TEST(Models, AStageTakesEachFieldThatItLeavesBlank) {
  const auto blank = stage_of(with_model);
  EXPECT_EQ(blank.spec.cpus, 3);
  EXPECT_EQ(blank.spec.gpus, 0.5);
  EXPECT_EQ(blank.spec.memory, std::uint64_t{2} << 30U);
  EXPECT_EQ(blank.spec.spmd, 4u);
  EXPECT_THAT(blank.spec.artifacts, ElementsAre(Artifact{"a.tar", "$SLUICE_NODE_DIR/a", true}));
  EXPECT_THAT(blank.description,
              AllOf(HasSubstr(R"("settings":{"deep":{"a":[1,2.5,true]},"layers":2})"),
                    HasSubstr(R"("venv":"envs/m")"), HasSubstr(R"("variables":{"A":"1"})")));
}

TEST(Models, AStageKeepsEachFieldThatItHas) {
  EXPECT_EQ(stage_of(with_model + "cpus = 1").spec.cpus, 1);  // the default, but said
  EXPECT_EQ(stage_of(with_model + "cpus = 1").spec.gpus, 0.5);
  EXPECT_EQ(stage_of(with_model + "gpus = 0").spec.gpus, 0);
  EXPECT_EQ(stage_of(with_model + "memory = 5").spec.memory, 5u);
  EXPECT_EQ(stage_of(with_model + "spmd = 1").spec.spmd, 1u);
  EXPECT_THAT(stage_of(with_model + R"(artifacts = [{ uri = "b", dest = "b" }])").spec.artifacts,
              ElementsAre(Artifact{"b", "b"}));
  EXPECT_THAT(stage_of(with_model + "artifacts = []").spec.artifacts, IsEmpty());
  EXPECT_THAT(stage_of(with_model + "settings = { layers = 9, own = 1 }").description,
              HasSubstr(R"("settings":{"deep":{"a":[1,2.5,true]},"layers":9,"own":1})"));
  EXPECT_THAT(stage_of(with_model + "env = { conda = \"c\" }").description,
              AllOf(HasSubstr(R"("conda":"c")"), HasSubstr(R"("venv":"")")));
  EXPECT_THAT(stage_of(with_model + "env = {}").description, HasSubstr(R"("venv":"")"));
}

TEST(Models, AStageKindTakesResourcesAndSettings) {
  const auto stage = stage_of("use = \"synthetic\"\nmodel = \"m\"\nsettings = { seed = 3 }",
                              "[models.m]\ncpus = 0.5\nsettings = { seed = 7, outputs = 2 }\n");
  EXPECT_EQ(stage.spec.cpus, 0.5);
  EXPECT_EQ(stage.settings.integer("seed"), 3);
  EXPECT_EQ(stage.settings.integer("outputs"), 2);
}

TEST(Models, FillWhatCppLeavesAtItsDefault) {
  Model own{"m", {.venv = "v"}, 3, 1, 80, 100, 2, R"({"a": 1, "b": 1})", {{"x", "x"}}};
  const auto spec = sluice::with_model(StageSpec{.name = "s", .gpus = 2}, own);
  EXPECT_EQ(spec.cpus, 3);
  EXPECT_EQ(spec.gpus, 2);
  EXPECT_EQ(spec.memory, 100u);
  EXPECT_EQ(spec.spmd, 2u);
  EXPECT_THAT(spec.artifacts, ElementsAre(Artifact{"x", "x"}));
  const StageSpec with_own{.name = "s", .artifacts = {{"y", "y"}}};
  EXPECT_THAT(sluice::with_model(with_own, own).artifacts, ElementsAre(Artifact{"y", "y"}));
  const auto options =
      sluice::with_model(ProcessOptions{.command = {"p"}, .settings = R"({"b": 2})"}, own);
  EXPECT_EQ(options.env.venv, "v");
  EXPECT_EQ(options.settings, R"({"a":1,"b":2})");
  const auto other = sluice::with_model(ProcessOptions{{"p"}, {.conda = "c"}}, own);
  EXPECT_EQ(other.env, (ProcessEnvironment{.conda = "c"}));
}

std::string refusal(const std::string& stage, const std::string& before = model) {
  return thrown<UsageError>([&] { stage_of(stage, before); });
}

TEST(CommandStage, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("command = \"python embed.py\"", ""),
            "job.toml:5: 'stage.s.command' must be a list of a program and its arguments, such as "
            "[\"python\", \"embed.py\"]; it is the string \"python embed.py\"");
  EXPECT_THAT(refusal("command = []", ""), HasSubstr("'stage.s.command' must be a list"));
  EXPECT_THAT(refusal(command + "use = \"fs.read\"", ""), HasSubstr("has both use and command"));
  EXPECT_THAT(refusal("", ""), HasSubstr("does not say what it is; it takes use"));
  EXPECT_THAT(refusal(command + "model = \"n\""),
              HasSubstr("stage 's' names the unknown model 'n'; a model is a "
                        "table [models.NAME]"));
  EXPECT_THAT(refusal("use = \"synthetic\"\nmodel = \"m\""),
              HasSubstr("has a model with an env ('m'), but its kind runs inside sluice"));
  EXPECT_THAT(refusal("use = \"synthetic\"\nenv = { venv = \"x\" }"), HasSubstr("has an env, but"));
  EXPECT_THAT(refusal("use = \"synthetic\"\nshared_memory = 1"),
              HasSubstr("has shared_memory, but its kind runs inside sluice"));
  EXPECT_THAT(refusal(command + "plugin = \"x.so\""), HasSubstr("has a plugin, but a command"));
  EXPECT_THAT(refusal(command + "shared_memory = 0"), HasSubstr("'stage.s.shared_memory' must be"));
  EXPECT_THAT(refusal(command + "env = { vnev = \"x\" }"),
              HasSubstr("unknown key 'stage.s.env.vnev'; did you mean 'venv'?"));
  EXPECT_THAT(refusal(command + "env = \"x\""), HasSubstr("'stage.s.env' must be a table"));
  EXPECT_THAT(refusal(command + "env = { variables = { A = 1 } }"),
              HasSubstr("'stage.s.env.variables.A' must be a string"));
  EXPECT_THAT(refusal(command + "depth = 0"), HasSubstr("'stage.s.depth' must be a whole number"));
  EXPECT_THAT(refusal(command + "settings = { a = nan }"), HasSubstr("must be a finite number"));
  EXPECT_THAT(refusal(command + "artifacts = \"a\""),
              HasSubstr("'stage.s.artifacts' must be a list of tables"));
  EXPECT_THAT(refusal(command + "artifacts = [\"a\"]"), HasSubstr("must be a list of tables"));
  EXPECT_THAT(refusal(command + R"(artifacts = [{ dest = "a" }])"),
              HasSubstr("job.toml:15: 'stage.s.artifacts': each artifact needs uri and dest"));
  EXPECT_THAT(refusal(command + R"(artifacts = [{ uri = "a", dset = "a" }])"),
              HasSubstr("unknown key 'stage.s.artifacts.dset'; did you mean 'dest'?"));
  EXPECT_THAT(refusal(command, "[models.m]\nartifacts = [{ uri = \"a\", dest = 1 }]\n"),
              HasSubstr("'models.m.artifacts.dest' must be a place"));
  EXPECT_THAT(refusal(command, "[models.m]\ncpus = 0\n"), HasSubstr("'models.m.cpus' must be"));
}

}  // namespace
}  // namespace sluice::job
