// Artifacts of whole runs, on ranks that stand for nodes.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Each rank is a node but for the coordinator, which is on the first worker's, and leaves behind
// what the system says of all that it read.
constexpr const char* as_node = R"(rank=$OMPI_COMM_WORLD_RANK
export SLUICE_SIMULATED_NODE=$((rank > 0 ? rank : 1))
export SLUICE_NODE_DIR=$PWD/node$SLUICE_SIMULATED_NODE
"$0" "$@"
code=$?
cat /proc/$$/io > io$rank
exit $code)";

class Artifacts : public JobRuns {
 protected:
  void SetUp() override { ::setenv("SLUICE_NODE_DIR", (folder_ / "node1").c_str(), 1); }
  void TearDown() override { ::unsetenv("SLUICE_NODE_DIR"); }

  void write_source(std::uint64_t size) {
    std::mt19937_64 random(size);
    std::vector<std::uint64_t> block(1 << 17);
    for (auto& word : block) word = random();
    std::ofstream stream(folder_ / "source", std::ios::binary);
    for (std::uint64_t left = size; left > 0;) {
      const auto count = std::min<std::uint64_t>(left, block.size() * 8);
      block.front() = left;
      stream.write(reinterpret_cast<const char*>(block.data()),
                   static_cast<std::streamsize>(count));
      left -= count;
    }
  }

  /// A job whose stage has these artifacts.
  void job_with(const std::string& artifacts, const std::string& stage = "use = \"synthetic\"\n") {
    write_job(
        fmt::format("[input]\nkeys = [\"a\", \"b\"]\n[[stage]]\nname = \"work\"\n{}"
                    "artifacts = [{}]\n",
                    stage, artifacts));
  }
  void job_with_source(const std::string& more = "") {
    job_with("{ uri = \"source\", dest = \"$SLUICE_NODE_DIR/m/copy\"" + more + " }");
  }

  static Arguments on_nodes(int nodes, const Arguments& arguments) {
    auto command = sluice_command(nodes + 1, arguments);
    command.insert(command.end() - static_cast<std::ptrdiff_t>(arguments.size()) - 1,
                   {"sh", "-c", as_node});
    return command;
  }
  static Arguments run_of(const std::string& run_dir) {
    return {"run", "job.toml", "--run-dir", run_dir};
  }
  Ended run_on(int nodes, const std::string& run_dir, std::chrono::seconds limit = usual) {
    return run_process(on_nodes(nodes, run_of(run_dir)), folder_.path(), limit);
  }
  static constexpr std::chrono::seconds usual{60};

  fs::path copy_on(int node) const { return folder_ / fmt::format("node{}/m/copy", node); }

  void expect_whole_on(int nodes) {
    for (int node = 1; node <= nodes; ++node) {
      const auto ended = run_process({"cmp", "source", copy_on(node)}, folder_.path());
      EXPECT_EQ(ended.code, 0) << "node " << node << ": " << ended.out << ended.err;
    }
  }

  static std::vector<std::string> names_in(const fs::path& folder) {
    std::error_code error;
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      names.push_back(entry.path().filename());
    }
    EXPECT_FALSE(error) << folder << ": " << error.message();
    return names;
  }

  /// Bytes that all ranks have read from any file.
  std::uint64_t read_by_all(int nodes) const {
    std::uint64_t sum = 0;
    for (int rank = 0; rank <= nodes; ++rank) {
      std::ifstream io(folder_ / fmt::format("io{}", rank));
      std::string name;
      std::uint64_t bytes = 0;
      while (io >> name >> bytes) sum += name == "rchar:" ? bytes : 0;
    }
    return sum;
  }

  /// A first run and a second one, which needs nothing.
  void expect_read_once(std::uint64_t size, std::chrono::seconds limit) {
    write_source(size);
    job_with_source();
    const auto first = run_on(4, "one", limit);
    expect_code(first, 0);
    const auto read = read_by_all(4);
    EXPECT_THAT(first.err, HasSubstr(fmt::format("artifacts: 1 of 1 fetched, {} bytes read and {} "
                                                 "written on 4 nodes",
                                                 size, 4 * size)));
    expect_whole_on(4);
    const auto second = run_on(4, "two", limit);
    expect_code(second, 0);
    EXPECT_THAT(second.err, HasSubstr("0 of 1 fetched, 0 bytes read"));
    const auto without = read_by_all(4);
    // The two runs read a little else, not always the same.
    constexpr std::uint64_t slack = 1 << 20;
    EXPECT_GE(read + slack, without + size);
    EXPECT_LE(read, without + size + slack);
    fmt::print("{}", first.err);
  }
};

TEST_F(Artifacts, AreReadOnceForFourNodesAndThenKept) { expect_read_once((70 << 20) + 3, usual); }

using ArtifactsSoak = Artifacts;
TEST_F(ArtifactsSoak, OfAGibibyteAreReadOnceForFourNodes) {
  expect_read_once(1 << 30, std::chrono::seconds(600));
}

TEST_F(Artifacts, GoOnlyWhereTheyAreMissing) {
  write_source(9 << 20);
  job_with_source();
  expect_code(run_on(4, "one"), 0);
  fs::remove(copy_on(3));
  const auto again = run_on(4, "two");
  expect_code(again, 0);
  EXPECT_THAT(again.err, HasSubstr(fmt::format("{0} bytes read and {0} written", 9 << 20)));
  expect_whole_on(4);
}

TEST_F(Artifacts, WithAnotherSumStopTheRun) {
  write_source(9 << 20);
  const std::string wrong(64, 'a');
  job_with_source(", sha256 = \"" + wrong + "\"");
  const auto ended = run_on(3, "one");
  expect_code(ended, 3);
  EXPECT_THAT(ended.err, HasSubstr("artifact 'source': its SHA-256 is "));
  EXPECT_THAT(ended.err, HasSubstr("but it should be " + wrong));
  for (int node = 1; node <= 3; ++node) EXPECT_FALSE(fs::exists(copy_on(node)));
}

TEST_F(Artifacts, AreWholeInTheNextRunWhenOneWasKilledInTheMiddle) {
  write_source(std::uint64_t{200} << 20U);
  job_with_source();
  const auto half_there = [this] {
    std::error_code ignored;
    for (fs::directory_iterator at(folder_ / "node3/.sluice/partial", ignored), end;
         !ignored && at != end; at.increment(ignored)) {
      if (fs::file_size(at->path(), ignored) > (20 << 20) && !ignored) return true;
    }
    return false;
  };
  run_and_kill(on_nodes(3, run_of("one")), folder_.path(), half_there);
  EXPECT_FALSE(fs::exists(copy_on(3)));
  expect_code(run_on(3, "two"), 0);
  expect_whole_on(3);
  EXPECT_THAT(names_in(folder_ / "node3/.sluice/partial"), IsEmpty());
}

TEST_F(Artifacts, AreThereWithoutMpiAndInDebugModeAndForTheStage) {
  write_source(9 << 20);
  const std::string shell = R"(command = ["sh", "-c", "ls -l $SLUICE_NODE_DIR/m/copy >&2; exit 1"]
setup_attempts = 1
)";
  for (const std::string mode : {"streaming", "batch", "debug"}) {
    fs::remove_all(folder_ / "node1");
    job_with_source();
    expect_code(run({"run", "job.toml", "--run-dir", mode, "--mode", mode}), 0);
    expect_whole_on(1);
  }
  fs::remove_all(folder_ / "node1");
  job_with("{ uri = \"source\", dest = \"m/copy\" }", shell);
  EXPECT_THAT(run({"run", "job.toml"}).err, HasSubstr(fmt::format("{}", 9 << 20)));
}

TEST_F(Artifacts, ThatAreMissingOrCollideAreNamed) {
  job_with_source();
  auto ended = run_on(2, "one");
  expect_code(ended, 3);
  EXPECT_THAT(ended.err, HasSubstr("artifact 'source': cannot read 'source': No such file"));
  job_with(R"({ uri = "a", dest = "m" }, { uri = "b", dest = "m/b" })");
  ended = run({"validate", "job.toml"});
  expect_code(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("stage 'work': artifact 'b': its dest \"m/b\" is that of 'a'"));
  job_with(R"({ uri = "a", dest = "/etc/a" })");
  ended = run({"validate", "job.toml"});
  expect_code(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("dest = \"/etc/a\" is not a place below the node's folder"));
  job_with(R"({ uri = "a", dest = "m", sha256 = "12" })");
  EXPECT_THAT(run({"validate", "job.toml"}).err, HasSubstr("must be 64 hexadecimal digits"));
}

TEST_F(Artifacts, AreListed) {
  job_with(R"({ uri = "a.tar", dest = "$SLUICE_NODE_DIR/m", unpack = true })");
  for (const auto* command : {"validate", "plan"}) {
    const auto ended = run({command, "job.toml"});
    expect_code(ended, 0);
    EXPECT_THAT(ended.out, HasSubstr("  a.tar -> $SLUICE_NODE_DIR/m, unpacked\n")) << command;
  }
}

TEST_F(Artifacts, ThatDoNotFitStopTheRun) {
  if (const auto why = why_no_mounts(folder_.path()); !why.empty()) GTEST_SKIP() << why;
  write_source(40 << 20);
  job_with_source();
  fs::create_directories(folder_ / "node1");
  const std::string script =
      "mount -t tmpfs -o size=20m none node1 && exec \"$0\" run job.toml --run-dir one";
  const auto ended = run_process(
      {"unshare", "-m", "sh", "-c", script, sluice_command(0, {}).front()}, folder_.path());
  expect_code(ended, 8);
  EXPECT_THAT(ended.err, HasSubstr(fmt::format("no room for its {} bytes", 40 << 20)));
}

}  // namespace
}  // namespace sluice::cli
