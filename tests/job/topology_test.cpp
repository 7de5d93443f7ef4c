#include "job/topology.hpp"
#include "job/thrown.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string& text) {
  return thrown<UsageError>([&] { parse_topology(text); });
}

TEST(Topology, TextMakesNodes) {
  const auto topology = parse_topology("16x(64c,8g)");
  ASSERT_EQ(topology.nodes.size(), 16u);
  EXPECT_EQ(topology.nodes[15].name, "node-15");
  EXPECT_EQ(topology.nodes[15].cpus, 64);
  EXPECT_EQ(topology.nodes[15].gpus, 8u);
  EXPECT_EQ(topology.nodes[15].memory, 0u);
  EXPECT_EQ(topology.nodes[15].workers, std::nullopt);
}

TEST(Topology, TermsAddUp) {
  const auto topology = parse_topology(" 2x(64c, 8g,512GiB) + (1.5c,4w)");
  ASSERT_EQ(topology.nodes.size(), 3u);
  EXPECT_EQ(topology.nodes[1].memory, std::uint64_t{512} << 30U);
  EXPECT_EQ(topology.nodes[2].name, "node-2");
  EXPECT_EQ(topology.nodes[2].cpus, 1.5);
  EXPECT_EQ(topology.nodes[2].workers, 4u);
}

TEST(Topology, NonsenseIsShownWithWhatWouldMakeSense) {
  EXPECT_EQ(refusal("16x(64q)"),
            "topology '16x(64q)': '64q' is neither cores (64c), GPUs (8g), their memory (80GiB/g), "
            "workers "
            "(32w) nor memory (512GiB); write nodes as COUNTx(CORESc,GPUSg,MEMORY), such as "
            "16x(64c,8g) or "
            "2x(64c,8g,512GiB)+4x(128c)");
  for (const auto* text : {"",
                           "16",
                           "x(1c)",
                           "0x(1c)",
                           "-1x(1c)",
                           "1.5x(1c)",
                           "2(1c)",
                           "2x(1c",
                           "2x()",
                           "2x(8g)",
                           "2x(0c)",
                           "2x(-4c)",
                           "2x(nanc)",
                           "2x(infc)",
                           "2x(1c,1.5g)",
                           "2x(1c,9999g)",
                           "2x(1c,12)",
                           "2x(1c,0GiB)",
                           "2x(1c)+",
                           "+2x(1c)",
                           "2x(1c)3x(1c)",
                           "999999x(1c)",
                           "60000x(1c)+60000x(1c)",
                           "2x(1c,g)",
                           "2x(c)",
                           "2x(1c),",
                           "(1c)(2c)"}) {
    EXPECT_THAT(refusal(text), StartsWith("topology '")) << text;
  }
}

class TopologyFile : public ::testing::Test {
 protected:
  control::Topology load(const std::string& text) {
    store::write_text(folder_ / "t.toml", text);
    return topology_option((folder_ / "t.toml").string());
  }
  std::string refusal_of(const std::string& text) {
    return thrown<UsageError>([&] { load(text); });
  }
  store::ScratchFolder folder_;
};

TEST_F(TopologyFile, HasATableForEachSortOfNode) {
  const auto topology = load(
      "[[node]]\nname = \"gpu\"\ncount = 2\ncpus = 64\ngpus = 8\nmemory = \"512GiB\"\n"
      "[[node]]\ncpus = 128.5\nworkers = 3\n");
  ASSERT_EQ(topology.nodes.size(), 3u);
  EXPECT_EQ(topology.nodes[1].name, "gpu-1");
  EXPECT_EQ(topology.nodes[1].gpus, 8u);
  EXPECT_EQ(topology.nodes[2].name, "node-2");
  EXPECT_EQ(topology.nodes[2].cpus, 128.5);
  EXPECT_EQ(topology.nodes[2].workers, 3u);
}

TEST_F(TopologyFile, NonsenseNamesFileLineAndKey) {
  EXPECT_THAT(refusal_of("[[node]]\ncpu = 4"),
              HasSubstr("t.toml:2: unknown key 'node.cpu'; did you mean 'cpus'?"));
  EXPECT_THAT(refusal_of("[[node]]\ncpus = -4"), HasSubstr("t.toml:2: 'node.cpus' must be"));
  EXPECT_THAT(refusal_of("[[node]]\ncpus = 4\ngpus = 0.5"),
              HasSubstr("'node.gpus' must be a whole"));
  EXPECT_THAT(refusal_of("[[node]]\ngpus = 4"), HasSubstr("does not say how many cores"));
  EXPECT_THAT(refusal_of("[[node]]\ncpus = 4\ncount = 0"), HasSubstr("'node.count' must be"));
  EXPECT_THAT(refusal_of("[[node]]\ncpus = 4\nmemory = \"lots\""), HasSubstr("'node.memory' must"));
  EXPECT_THAT(refusal_of("node = 4"), HasSubstr("'node' must be tables headed [[node]]"));
  EXPECT_THAT(refusal_of(""), HasSubstr("has 0 nodes"));
  EXPECT_THAT(refusal_of("cpus = = 4"), HasSubstr("this is not TOML"));
  EXPECT_THAT(thrown<UsageError>([] { topology_option("no-such.toml"); }),
              HasSubstr("cannot read 'no-such.toml'"));
}

}  // namespace
}  // namespace sluice::job
