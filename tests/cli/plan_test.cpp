#include "cli/process.hpp"
#include "runtime/variable.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <map>
#include <utility>

namespace sluice::cli {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

std::string stage(const std::string& name, const std::string& knobs) {
  return "[[stage]]\nname = \"" + name + "\"\nuse = \"synthetic\"\n" + knobs + "\n";
}

const std::string small_job =
    "[pipeline]\nname = \"small\"\n[input]\nkeys = [\"a\", \"b\"]\n" +
    stage("read", "speed = 10\nworkers = 1\nselectivity = 2") +
    stage("caption",
          "speed = 1\ngpus = 0.5\nbatch_size = 4\nsettings = { output_bytes = 1048576 }") +
    stage("write", "speed = 40\ncpus = 0.5");

// Cpus, GPUs, records/s and workers a node of a published problem of video curation.
const std::string video_job =
    "[input]\nkeys = [\"a\"]\n" +
    stage("download", "cpus = 0.25\nspeed = 0.67\nworkers_per_node = 4") +
    stage("remux", "cpus = 1\nspeed = 4000") + stage("split", "cpus = 3\nspeed = 0.77") +
    stage("score", "cpus = 1\ngpus = 0.25\nspeed = 3.55") +
    stage("transcode", "cpus = 5\nspeed = 0.28") + stage("frames", "cpus = 16\nspeed = 0.034") +
    stage("caption", "cpus = 1\ngpus = 4\nspeed = 0.033") +
    stage("embed", "cpus = 1\ngpus = 1\nspeed = 0.98") +
    stage("upload", "cpus = 0.25\nspeed = 0.016\nworkers_per_node = 8");

class PlanCommand : public ::testing::Test {
 protected:
  Ended plan(const std::string& job, std::vector<std::string> options, int ranks = 0) {
    write_text(folder_ / "job.toml", job);
    options.insert(options.begin(), {"plan", "job.toml"});
    return run_process(sluice_command(ranks, options), folder_.path());
  }
  Json json(const std::string& job, const std::string& topology) {
    const auto ended = plan(job, {"--topology", topology, "--json"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    return Json::parse(ended.out);
  }
  ScratchFolder folder_;
};

TEST_F(PlanCommand, SaysWhoWorksWhereAndWhatWouldHelp) {
  const auto ended = plan(small_job, {"--topology", "2x(8c,2g)"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "small on 2 × (8 cpus, 2 GPUs)\n"
            "  stage    workers      speed  busy  ranks\n"
            "  read           1       10/s   40%  1 on node-0\n"
            "  caption        8        1/s  100%  4 on each of node-0…node-1\n"
            "  write          1       40/s   20%  1 on node-1\n"
            "throughput: 4 records/s; the bottleneck is 'caption'\n"
            "time for the input: 0.5 s for 2 records, set-up apart\n"
            "in use: cpus 9.5 of 16 (59%), gpus 4 of 4 (100%)\n"
            "stored between stages: at most 68 records\n"
            "what would raise the throughput:\n"
            "  'caption' on 0.25 GPUs, as fast as now: +75.0%, 7 records/s\n"
            "  one more node of (8c,2g): +50.0%, 6 records/s\n"
            "  one more GPU on a node of (8c,2g): +25.0%, 5 records/s\n"
            "  'caption' 10% faster: +10.0%, 4.4 records/s\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(PlanCommand, OfBatchModeGivesEachStageAllNodes) {
  const auto ended = plan(small_job, {"--topology", "2x(8c,2g)", "--mode", "batch"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "small on 2 × (8 cpus, 2 GPUs), one stage after the other\n"
            "  stage    workers      speed  time  ranks\n"
            "  read           1       10/s   28%  1 on node-0\n"
            "  caption        8        1/s   71%  4 on each of node-0…node-1\n"
            "  write         32       40/s    0%  16 on each of node-0…node-1\n"
            "throughput: 2.844 records/s; most of the time goes to 'caption'\n"
            "time for the input: 0.703 s for 2 records, set-up apart\n"
            "stored between stages: in the store, and next to nothing in memory\n"
            "what would raise the throughput:\n"
            "  'caption' on 0.25 GPUs, as fast as now: +55.2%, 4.414 records/s\n"
            "  'read' without a pinned number of workers: +36.4%, 3.879 records/s\n"
            "  one more node of (8c,2g): +31.3%, 3.735 records/s\n"
            "  one more GPU on a node of (8c,2g): +16.6%, 3.316 records/s\n"
            "  'caption' 10% faster: +6.9%, 3.041 records/s\n");
  // One node with one GPU: what "auto" means there.
  EXPECT_THAT(plan(small_job, {"--topology", "1x(8c,1g)"}).out,
              HasSubstr("one stage after the other"));
  EXPECT_THAT(plan(small_job, {"--topology", "1x(8c,1g)", "--mode", "streaming"}).out,
              HasSubstr("the bottleneck is 'caption'"));
}

TEST_F(PlanCommand, JsonHasEveryPlace) {
  const auto all = json(small_job, "2x(8c,2g)");
  EXPECT_EQ(all.at("throughput"), 4.0);
  EXPECT_EQ(all.at("bottleneck"), "caption");
  EXPECT_EQ(all.at("seconds"), 0.5);
  const auto& caption = all.at("stages").at(1);
  EXPECT_EQ(caption.at("workers"), 8);
  EXPECT_EQ(caption.at("speed"), 1.0);
  EXPECT_EQ(caption.at("utilisation"), 1.0);
  std::map<std::pair<std::string, int>, double> used;
  for (const auto& place : caption.at("placements")) {
    EXPECT_EQ(place.at("cpus"), 1.0);
    for (const auto& gpu : place.at("gpus")) {
      used[{place.at("node"), gpu.at("gpu")}] += gpu.at("fraction").get<double>();
    }
  }
  EXPECT_EQ(used.size(), 4u);
  for (const auto& [gpu, fraction] : used) EXPECT_EQ(fraction, 1.0);
}

TEST_F(PlanCommand, ReachesTheBestPlanOfAPublishedProblem) {
  const auto all = json(video_job, "10x(182c,8g)");
  EXPECT_NEAR(all.at("throughput").get<double>(), 0.627, 1e-9);
  EXPECT_EQ(all.at("bottleneck"), "caption");
  EXPECT_EQ(all.at("stages").at(6).at("workers"), 19);
  EXPECT_EQ(all.at("stages").at(0).at("workers"), 40);
  EXPECT_EQ(all.at("stages").at(8).at("workers"), 80);
}

TEST_F(PlanCommand, SaysHowPayloadsGetFromGpuToGpu) {
  const auto job = "[input]\nkeys = [\"a\"]\n" + stage("detect", "gpus = 1\nworkers_per_node = 1") +
                   stage("embed", "gpus = 1\ninputs = \"device\"\nworkers_per_node = 1");
  const auto pairs = [&](const char* gpus) {
    const runtime::Variable emulated("SLUICE_GPU", gpus);
    return json(job, "2x(8c,2g)")["device_paths"][0]["pairs"];
  };
  EXPECT_EQ(pairs("emulated:0"), Json::parse(R"({"ipc": 2, "host": 2})")) << "no links here";
  EXPECT_EQ(pairs("emulated"), Json::parse(R"({"ipc": 2, "nccl": 2})"));
  const auto told = plan(job, {"--topology", "2x(8c,2g)", "--set", "pipeline.device_path=host"});
  EXPECT_THAT(told.out, HasSubstr("'detect' to 'embed': 4 pairs by host")) << told.err;
}

TEST_F(PlanCommand, GivesWorkersThatShareAGpuRoomInItsMemory) {
  const auto job =
      "[input]\nkeys = [\"a\"]\n" + stage("embed", "gpus = 0.1\ngpu_memory = \"30GiB\"\nspeed = 1");
  EXPECT_EQ(json(job, "1x(64c,2g,80GiB/g)")["stages"][0]["workers"], 4);
  const auto refused = plan(job, {"--topology", "1x(64c,2g,16GiB/g)"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("stage 'embed' needs 30720 MiB on each of its GPUs"));
}

TEST_F(PlanCommand, ExplainsItself) {
  const auto ended = plan(video_job, {"--topology", "10x(182c,8g)", "--explain"});
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("80 gpus for the stages without a pinned number of workers: "
                              "0.6541 records/s"),
                    HasSubstr("limited by 'caption'"),
                    HasSubstr("the next step, 0.66 records/s, would take 391 of 1820 cpus, "
                              "81.25 of 80 gpus; there is not that much")));
}

TEST_F(PlanCommand, WithoutSpeedsItSaysSoAndPredictsNothing) {
  const auto job = "[input]\nkeys = [\"a\"]\n" + stage("one", "") + stage("two", "speed = 2");
  const auto ended = plan(job, {"--topology", "(8c)"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("not predicted, since the speed of 'one' is not declared"),
                               Not(HasSubstr("records/s;"))));
  const auto all = json(job, "(8c)");
  EXPECT_TRUE(all.at("throughput").is_null());
  EXPECT_EQ(all.at("stages").at(0).at("workers"), 4);
  EXPECT_EQ(all.at("stages").at(1).at("workers"), 4);
}

TEST_F(PlanCommand, PlansForThisMachineAndOnOneRankOnly) {
  const auto job =
      "[input]\nkeys = [\"a\"]\n" + stage("one", "cpus = 0.1") + stage("two", "cpus = 0.1");
  const auto bare = plan(job, {});
  EXPECT_EQ(bare.code, 0) << bare.err;
  const auto ranks = plan(job, {}, 3);
  EXPECT_EQ(ranks.code, 0) << ranks.err;
  EXPECT_THAT(ranks.out, HasSubstr("2 worker ranks"));
  EXPECT_EQ(ranks.out.find("on 1 ×"), ranks.out.rfind("on 1 ×")) << "told once";
}

TEST_F(PlanCommand, AnInputThatIsNotHereIsNoObstacle) {
  const auto ended =
      plan("[input]\nfiles = [\"no/*.png\"]\n" + stage("one", "speed = 2"), {"--topology", "(8c)"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("the input could not be read here: no file matches"));
}

TEST_F(PlanCommand, WhatCannotBePlannedIsSaidClearly) {
  const auto refused = [&](const std::string& knobs, const std::string& topology) {
    const auto ended =
        plan("[input]\nkeys = [\"a\"]\n" + stage("one", knobs), {"--topology", topology});
    EXPECT_EQ(ended.code, topology.find('?') == std::string::npos ? 5 : 2) << ended.err;
    EXPECT_THAT(ended.out, "");
    return ended.err;
  };
  EXPECT_THAT(
      refused("gpus = 4\ncpus = 3", "2x(16c,2g)+(64c)"),
      HasSubstr("stage 'one' fits no node: it asks for 3 cpus and 4 GPUs for each worker, and "
                "the largest node, 'node-0', has 16 cpus, 2 GPUs"));
  EXPECT_THAT(refused("workers = 9", "(64c,8w)"),
              HasSubstr("too few ranks: the stages need at least "
                        "9 workers (one 9), and there are 8"));
  EXPECT_THAT(refused("workers = 9\ncpus = 8", "(64c)"),
              HasSubstr("these ask for 72 cpus, but all 1 node together have 64"));
  EXPECT_THAT(
      refused("workers_per_node = 3\ncpus = 8", "(16c)"),
      HasSubstr("'one' asks for 3 workers on every node, but there is no room for them on node "
                "'node-0'"));
  EXPECT_THAT(refused("workers = 3\ncpus = 5", "2x(8c)"), HasSubstr("no way was found to place"));
  EXPECT_THAT(refused("", "4x(8?)"), HasSubstr("topology '4x(8?)': '8?' is neither"));
}

TEST_F(PlanCommand, GroupsAreWholeOrNotThere) {
  const auto job = "[input]\nkeys = [\"a\"]\n" + stage("one", "speed = 2\ngpus = 1\nspmd = 8");
  const auto all = json(job, "2x(8c,4g)");
  EXPECT_EQ(all.at("stages").at(0).at("workers"), 1);
  EXPECT_EQ(all.at("stages").at(0).at("placements").size(), 8u);
  const auto ended = run_process(sluice_command(0, {"run", "job.toml"}), folder_.path());
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err,
              HasSubstr("stage 'one' fits no node: it asks for 1 cpus and 1 GPUs for each "
                        "rank"));
}

}  // namespace
}  // namespace sluice::cli
