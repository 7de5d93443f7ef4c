#include "job/stage_driver.hpp"
#include "job/stages/kinds.hpp"
#include "job/thrown.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <cstdio>

namespace sluice::job {
namespace {

using store::ScratchFolder;
using testing::HasSubstr;
using testing::Not;
using Names = std::set<std::string>;

Record page(const std::string& key) { return record_with(key, "text", std::string("of ") + key); }

std::string dump(const std::string& dataset, const std::filesystem::path& path) {
  std::string output;
  FILE* pipe = ::popen(("h5dump -d " + dataset + " " + path.string() + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  EXPECT_EQ(::pclose(pipe), 0) << output;
  return output;
}

TEST(Hdf5Write, WritesTheRecordsBelowTheRunFolderAndPassesThemOn) {
  const ScratchFolder folder;
  StageDriver write(hdf5_write_kind(), {{"path", "out/pages.h5"}});
  write.setup(folder.path());
  EXPECT_EQ(write.process({page("p1"), page("p2")}), (std::vector{page("p1"), page("p2")}));
  EXPECT_EQ(write.process({page("p3")}), std::vector{page("p3")});
  EXPECT_FALSE(std::filesystem::exists(folder / "out/pages.h5"));
  write.teardown();
  EXPECT_THAT(dump("/text", folder / "out/pages.h5"), HasSubstr("\"of p1\", \"of p2\", \"of p3\""));
  EXPECT_THAT(dump("/key", folder / "out/pages.h5"), HasSubstr("\"p1\", \"p2\", \"p3\""));
}

TEST(Hdf5Write, EachOfSeveralWorkersHasAFileOfItsOwn) {
  const ScratchFolder folder;
  for (std::size_t worker = 0; worker < 2; ++worker) {
    StageDriver write(hdf5_write_kind(), {{"path", "pages.v1.h5"}});
    write.setup(folder.path(), worker, 2);
    write.process({page("p" + std::to_string(worker))});
    write.teardown();
  }
  EXPECT_EQ(folder.files(), (Names{"pages.v1.0.h5", "pages.v1.1.h5"}));
  EXPECT_THAT(dump("/key", folder / "pages.v1.1.h5"), HasSubstr("\"p1\""));
}

TEST(Hdf5Write, AWorkerWithoutRecordsWritesAnEmptyFile) {
  const ScratchFolder folder;
  StageDriver write(hdf5_write_kind(), {{"path", "pages.h5"}});
  write.setup(folder.path());
  write.teardown();
  EXPECT_THAT(dump("/key", folder / "pages.h5"), HasSubstr("( 0 )"));
}

TEST(Hdf5Write, WithoutATeardownNothingIsLeft) {
  const ScratchFolder folder;
  {
    StageDriver write(hdf5_write_kind(), {{"path", "pages.h5"}});
    write.setup(folder.path());
    write.process({page("p1")});
  }
  EXPECT_EQ(folder.files(), Names{});
}

TEST(Hdf5Write, AMisfitNamesTheRecordAndTheField) {
  const ScratchFolder folder;
  StageDriver write(hdf5_write_kind(), {{"path", "pages.h5"}, {"fields", R"(["text", "words"])"}});
  write.setup(folder.path());
  const auto message = thrown<StageError>([&] { write.process({page("p1")}); });
  EXPECT_THAT(message, HasSubstr("record 'p1'"));
  EXPECT_THAT(message, HasSubstr("no field 'words' (it has: text)"));
}

TEST(Hdf5Write, SettingsThatMakeNoSenseAreRefused) {
  EXPECT_THAT(thrown<UsageError>([] {
                StageDriver(hdf5_write_kind(), {{"path", "out/"}});
              }),
              HasSubstr("path 'out/' names no file"));
  EXPECT_THAT(thrown<UsageError>([] {
                StageDriver(hdf5_write_kind(), {{"path", "a.h5"}, {"fields", R"(["a", "a"])"}});
              }),
              HasSubstr("names 'a' twice"));
}

TEST(Hdf5Write, TheHintSaysWhereTheOutputIsAndHowToLookAtIt) {
  const auto kind = hdf5_write_kind();
  const auto hint =
      kind.output_hint(settings_of(kind, {{"path", "p.h5"}, {"fields", R"(["text"])"}}), "runs/x");
  EXPECT_THAT(hint, HasSubstr("h5dump -d /text runs/x/p.h5"));
  const auto absolute = kind.output_hint(settings_of(kind, {{"path", "/p.h5"}}), "runs/x");
  EXPECT_THAT(absolute, HasSubstr("h5dump -d /key /p.h5"));
  EXPECT_THAT(absolute, Not(HasSubstr("runs")));
}

}  // namespace
}  // namespace sluice::job
