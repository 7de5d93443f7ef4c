#include "process/environment.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

namespace sluice::process {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class Environment : public ::testing::Test {
 protected:
  Prepared prepared(const ProcessEnvironment& env, const std::string& program = "sh") {
    context_.run_dir = folder_.path();
    return prepare({{program, "-c", "true"}, env}, context_);
  }

  std::string refusal(const ProcessEnvironment& env, const std::string& program = "sh") {
    try {
      prepared(env, program);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }

  std::string program(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    write_text(path, "#!/bin/sh\n" + text);
    ::chmod(path.c_str(), 0755);
    return path.string();
  }

  ScratchFolder folder_;
  WorkerContext context_;
};

TEST_F(Environment, ShowsTheGpusOfTheWorkerAlone) {
  const auto seen = [this](const ProcessEnvironment& env = {}) {
    return prepared(env).variables["CUDA_VISIBLE_DEVICES"];
  };
  ::setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3", 1);
  EXPECT_EQ(seen(), "") << "it has none";
  context_.gpus = {"3", "1"};
  EXPECT_EQ(seen(), "3,1");
  EXPECT_EQ(seen({.variables = {{"CUDA_VISIBLE_DEVICES", "7"}}}), "7")
      << "whoever says so is heard";
  context_.debug = true;
  EXPECT_EQ(seen(), "0,1,2,3") << "nobody deals them out";
  ::unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST_F(Environment, IsOursWithoutTheLaunchers) {
  ::setenv("OMPI_COMM_WORLD_RANK", "3", 1);
  ::setenv("PMIX_RANK", "3", 1);
  ::setenv("PMI_RANK", "3", 1);
  ::setenv("PMISTAKE", "kept", 1);
  const auto variables = own_variables();
  for (const auto* gone : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    EXPECT_THAT(variables, Not(Contains(Key(gone))));
    ::unsetenv(gone);
  }
  EXPECT_THAT(variables, Contains(Pair("PMISTAKE", "kept")));
  EXPECT_THAT(variables, Contains(Key("PATH")));
}

TEST_F(Environment, Variables) {
  const auto with = prepared({.variables = {{"WHAT", "this"}, {"PATH", "/bin:/usr/bin"}}});
  EXPECT_THAT(with.variables, Contains(Pair("WHAT", "this")));
  EXPECT_EQ(with.program, "/bin/sh");
}

TEST_F(Environment, AVenvComesFirstOnPath) {
  const auto venv = folder_ / "venv";
  const auto python = program(venv / "bin/python", "");
  ::setenv("PYTHONHOME", "/elsewhere", 1);
  const auto with = prepared({.venv = venv.string()}, "python");
  ::unsetenv("PYTHONHOME");
  EXPECT_EQ(with.program, python);
  EXPECT_THAT(with.variables, AllOf(Contains(Pair("VIRTUAL_ENV", venv.string())),
                                    Contains(Pair("PATH", StartsWith(venv.string() + "/bin:"))),
                                    Not(Contains(Key("PYTHONHOME")))));
}

TEST_F(Environment, CondaByFolderAndByName) {
  const auto root = folder_ / "miniconda3";
  const auto prefix = root / "envs/mine";
  const auto python = program(prefix / "bin/python", "");
  std::filesystem::create_directories(prefix / "conda-meta");
  program(prefix / "etc/conda/activate.d/extra.sh", "echo noise; export EXTRA=\"two\nlines\"\n");
  EXPECT_EQ(prepared({.conda = prefix.string()}, "python").program, python);
  ::setenv("CONDA_ENVS_PATH", (root / "envs").c_str(), 1);
  const auto with = prepared({.conda = "mine"}, "python");
  ::unsetenv("CONDA_ENVS_PATH");
  EXPECT_EQ(with.program, python);
  EXPECT_THAT(with.variables, AllOf(Contains(Pair("CONDA_PREFIX", prefix.string())),
                                    Contains(Pair("EXTRA", "two\nlines"))));
}

TEST_F(Environment, ModulesAreLoadedByALoginShell) {
  write_text(folder_ / ".bash_profile",
             "module() { echo loading; shift; for m in \"$@\"; do\n"
             "  [ \"$m\" != none/1 ] || { echo \"no module $m\" >&2; return 1; }\n"
             "  export LOADED=\"$LOADED $m\"; done; }\n");
  const std::string home = std::getenv("HOME");
  ::setenv("HOME", folder_.path().c_str(), 1);
  const auto with = prepared({.modules = {"cuda/12", "gcc/12"}});
  EXPECT_THAT(with.variables, Contains(Pair("LOADED", " cuda/12 gcc/12")));
  EXPECT_THAT(refusal({.modules = {"none/1"}}),
              AllOf(StartsWith("env.modules = [\"none/1\"] cannot be loaded"),
                    HasSubstr("no module none/1")));
  ::setenv("HOME", home.c_str(), 1);
}

TEST_F(Environment, AContainerRunsTheCommand) {
  const auto apptainer = program(folder_ / "bin/apptainer", "");
  write_text(folder_ / "image.sif", "");
  const auto image = (folder_ / "image.sif").string();
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", ((folder_ / "bin").string() + ":" + path).c_str(), 1);
  const auto with = prepared({.container = image}, "python");
  EXPECT_THAT(refusal({.container = "none.sif"}),
              HasSubstr("env.container = \"none.sif\" does not"));
  context_.gpus = {"0"};
  EXPECT_THAT(prepared({.container = image}, "python").arguments, Contains("--nv"));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(with.program, apptainer);
  const auto here = std::filesystem::current_path().string();
  EXPECT_EQ(with.arguments, (std::vector<std::string>{apptainer, "exec", "--bind", here, "--bind",
                                                      folder_.path().string(), "--pwd", here, image,
                                                      "python", "-c", "true"}));
}

TEST_F(Environment, AContainerSeesTheNodesFolderIfItIsThere) {
  program(folder_ / "bin/apptainer", "");
  write_text(folder_ / "image.sif", "");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", ((folder_ / "bin").string() + ":" + path).c_str(), 1);
  context_.node_dir = folder_ / "node";
  const ProcessEnvironment env{.container = (folder_ / "image.sif").string()};
  EXPECT_THAT(prepared(env).arguments, Not(Contains(context_.node_dir.string())));
  std::filesystem::create_directory(context_.node_dir);
  EXPECT_THAT(prepared(env).arguments, Contains(context_.node_dir.string()));
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(Environment, MayLieInTheNodesFolder) {
  const auto env = on_node({.venv = "$SLUICE_NODE_DIR/envs/a",
                            .container = "$SLUICE_NODE_DIR",
                            .variables = {{"MODEL", "$SLUICE_NODE_DIR/m"},
                                          {"OTHER", "$SLUICE_NODE_DIRS/m"},
                                          {"LATER", "a:$SLUICE_NODE_DIR"}}},
                           "/node");
  EXPECT_EQ(env.venv, "/node/envs/a");
  EXPECT_EQ(env.container, "/node");
  EXPECT_EQ(env.variables.at("MODEL"), "/node/m");
  EXPECT_EQ(env.variables.at("OTHER"), "$SLUICE_NODE_DIRS/m");
  EXPECT_EQ(env.variables.at("LATER"), "a:$SLUICE_NODE_DIR");
}

// With the program itself, where it is installed.
TEST_F(Environment, LoadsRealModules) {
  if (!std::filesystem::exists("/etc/profile.d/modules.sh")) {
    GTEST_SKIP() << "environment-modules is missing (cmake/install-packages.sh tests)";
  }
  std::filesystem::create_directories(folder_ / "modules/tool");
  write_text(folder_ / "modules/tool/1", "#%Module1.0\nsetenv TOOL here\n");
  ::setenv("MODULEPATH", (folder_ / "modules").c_str(), 1);
  EXPECT_THAT(prepared({.modules = {"tool/1"}}).variables, Contains(Pair("TOOL", "here")));
  EXPECT_THAT(refusal({.modules = {"tool/2"}}),
              AllOf(HasSubstr("env.modules = [\"tool/2\"] cannot be loaded"), HasSubstr("tool/2")));
  ::unsetenv("MODULEPATH");
}

TEST_F(Environment, WhatIsMissingIsSaidWithStageAndKey) {
  EXPECT_THAT(refusal({.venv = "no/venv"}),
              AllOf(StartsWith("env.venv = \"no/venv\" is no virtual environment: '"),
                    HasSubstr("make it with 'python3 -m venv no/venv'")));
  EXPECT_THAT(refusal({.conda = "no-such-environment"}),
              HasSubstr("env.conda = \"no-such-environment\" is no conda environment here"));
  EXPECT_THAT(refusal({.conda = "./nowhere"}), HasSubstr("nowhere/conda-meta' does not exist"));
  EXPECT_THAT(refusal({.venv = "a", .conda = "b"}), HasSubstr("one of venv, conda and container"));
  EXPECT_THAT(refusal({}, "no-such-program"),
              HasSubstr("command needs the program 'no-such-program', which is not on "
                        "PATH ("));
  EXPECT_THAT(refusal({}, "./no-such-program"), HasSubstr("which does not exist here"));
}

}  // namespace
}  // namespace sluice::process
