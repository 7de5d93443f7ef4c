#include "cli/process.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* three_stages = R"(
[pipeline]
name = "three"
[input]
keys = ["a"]
[[stage]]
name = "one"
use = "synthetic"
settings = { service = "lognormal", mean = "20ms", sigma = 0.5 }
[[stage]]
name = "two"
use = "synthetic"
settings = { service = "exponential", mean = "50ms", setup = "1s" }
[[stage]]
name = "three"
use = "fs.write"
speed = 40
settings = { dir = "out" }
)";

class Simulate : public ::testing::Test {
 protected:
  Simulate() { write_text(folder_.path() / "job.toml", three_stages); }

  Ended simulate(std::vector<std::string> options) {
    options.insert(options.begin(), {"simulate", "job.toml"});
    return run_process(sluice_command(0, options), folder_.path());
  }
  ScratchFolder folder_;
};

TEST_F(Simulate, TheSameSeedGivesTheSameOutput) {
  const std::vector<std::string> options{"--inputs", "3000",   "--workers", "16",    "--seed",
                                         "7",        "--slow", "two:10s:4", "--json"};
  const auto first = simulate(options);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, simulate(options).out);
  const auto json = Json::parse(first.out);
  EXPECT_EQ(json["done"], 3000);
  EXPECT_EQ(json["stages"][1]["name"], "two");
  EXPECT_FALSE(json["decisions"].empty());
  EXPECT_GT(json["stages"][1]["workers"], json["stages"][0]["workers"]);
  EXPECT_LE(json["stages"][1]["peak_records"], json["stages"][1]["bound_records"]);
  EXPECT_GT(json["workers_at_saturation"], 100);
  auto other = options;
  other[5] = "8";
  EXPECT_NE(Json::parse(simulate(other).out)["digest"], json["digest"]);
}

TEST_F(Simulate, TellsPeopleWhatHappened) {
  const auto ended = simulate({"--inputs", "500", "--topology", "2x(8c)"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("three: 500 of 500 records done"));
  EXPECT_THAT(ended.out, HasSubstr("16 workers on 2 nodes, seed 0"));
  EXPECT_THAT(ended.out, HasSubstr("control messages a batch"));
  EXPECT_THAT(ended.out, HasSubstr("digest"));
  EXPECT_THAT(ended.err, HasSubstr("us a batch in the dispatchers"));
}

TEST_F(Simulate, NumbersThatMakeNoSenseAreRefusedWithTheirRange) {
  const std::vector<std::vector<std::string>> bad{
      {"--latency", "nan", "0 to 3600"},         {"--latency", "1e300", "0 to 3600"},
      {"--bandwidth", "0", "1 to 1e+15"},        {"--bandwidth", "inf", "1 to 1e+15"},
      {"--handling", "-1", "0 to 3600"},         {"--handling", "nan", "0 to 3600"},
      {"--until", "nan", "0.001 to 1e+07"},      {"--until", "1e18", "0.001 to 1e+07"},
      {"--inputs", "99999999999", "1 to 1e+08"}, {"--slow", "two:1s:nan", "1e-06 to 1e+06"},
      {"--slow", "two:1s:1e300", "1e-06 to"},    {"--slow-rank", "1:0", "1e-06 to 1e+06"},
      {"--slow-rank", "nan:2", "no rank"},       {"--slow-rank", "0:2", "no rank"}};
  for (const auto& each : bad) {
    const auto ended = simulate({each[0], each[1]});
    EXPECT_EQ(ended.code, 2) << each[0] << ' ' << each[1];
    EXPECT_THAT(ended.err, HasSubstr(each[0]));
    EXPECT_THAT(ended.err, HasSubstr(each[2])) << each[0] << ' ' << each[1];
  }
}

TEST_F(Simulate, AStageOfUnknownSpeedIsRefused) {
  const auto ended = simulate(
      {"--set", "stage.two.use=jsonl.write", "--set", "stage.two.settings={path=\"x.jsonl\"}"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("stage 'two' (jsonl.write) cannot be simulated"));
  EXPECT_THAT(ended.err, HasSubstr("--set stage.two.speed=1.5"));
}

TEST_F(Simulate, NonsenseIsRefused) {
  EXPECT_THAT(simulate({"--slow", "two:10s"}).err, HasSubstr("STAGE:AT:FACTOR"));
  EXPECT_THAT(simulate({"--slow", "four:10s:2"}).err, HasSubstr("the job has no stage 'four'"));
  EXPECT_THAT(simulate({"--slow", "two:soon:2"}).err, HasSubstr("'soon' is no duration"));
  EXPECT_THAT(simulate({"--slow", "two:1s:-2"}).err,
              HasSubstr("'-2' is no factor from 1e-06 to 1e+06"));
  EXPECT_THAT(simulate({"--slow-rank", "99:2"}).err, HasSubstr("the last rank is 8"));
  EXPECT_EQ(simulate({"--workers", "2"}).code, 5) << "too few for three stages";
}

}  // namespace
}  // namespace sluice::cli
