#include "store/artifact_cases.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Of "hello", by sha256sum.
constexpr const char* of_hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

class ArtifactTest : public ::testing::Test, public ArtifactCase {
 protected:
  Artifact file(const std::string& text, const std::string& sha256 = "") const {
    write_text(here("file"), text);
    return {here("file").string(), "$SLUICE_NODE_DIR/a/file", false, sha256};
  }
};

TEST_F(ArtifactTest, IsFetchedOnceAndThenThere) {
  const auto artifact = file("hello");
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(at("a/file"), "hello");
  EXPECT_FALSE(fetch(artifact));
  EXPECT_TRUE(nothing_is_left_of_attempts());
}

TEST_F(ArtifactTest, IsFetchedAgainWhenTheSourceIsAnother) {
  EXPECT_TRUE(fetch(file("hello")));
  EXPECT_TRUE(fetch(file("hello, you")));
  EXPECT_EQ(at("a/file"), "hello, you");
}

TEST_F(ArtifactTest, IsFetchedAgainWhenItWasChangedOrRemoved) {
  const auto artifact = file("hello");
  EXPECT_TRUE(fetch(artifact));
  write_text(here("node/a/file"), "changed");
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(at("a/file"), "hello");
  fs::remove(here("node/a/file"));
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(at("a/file"), "hello");
}

TEST_F(ArtifactTest, WithTheRightSumIsNotEvenLookedForAgain) {
  const auto artifact = file("hello", of_hello);
  EXPECT_TRUE(fetch(artifact));
  fs::remove(here("file"));
  EXPECT_FALSE(fetch(artifact));
}

TEST_F(ArtifactTest, WithAnotherSumIsRefusedAndBothAreNamed) {
  const auto text = complaint(file("hallo", of_hello));
  EXPECT_THAT(text, HasSubstr(of_hello));
  EXPECT_THAT(text, HasSubstr("d3751d33f9cd5049c4af2b462735457e4d3baf130bcbb87f389e349fbaeb20b9"));
  EXPECT_FALSE(fs::exists(here("node/a/file")));
  EXPECT_TRUE(nothing_is_left_of_attempts());
}

TEST_F(ArtifactTest, ThatArrivesDamagedIsRefused) {
  const auto artifact = file("hello");
  ArtifactPlace place(artifact);
  place.begin(5);
  place.write("hellO");
  ArtifactReader reader(artifact);
  while (!reader.next().empty()) {
  }
  EXPECT_THROW(place.finish(reader.key(), reader.sum(), SourceKind::file, {}), IoError);
  EXPECT_FALSE(fs::exists(here("node/a/file")));
}

TEST_F(ArtifactTest, HalfWrittenIsNotThere) {
  const auto artifact = file("hello");
  {
    ArtifactPlace place(artifact);
    place.begin(5);
    place.write("hel");
  }
  EXPECT_FALSE(fs::exists(here("node/a/file")));
  EXPECT_TRUE(nothing_is_left_of_attempts());
  EXPECT_TRUE(fetch(artifact));
}

TEST_F(ArtifactTest, DoesNotReplaceWhatNoRunPutThere) {
  fs::create_directories(here("node/a"));
  write_text(here("node/a/file"), "mine");
  EXPECT_THAT(complaint(file("hello")), HasSubstr("no run has put it there"));
  EXPECT_EQ(at("a/file"), "mine");
}

TEST_F(ArtifactTest, MayBeAFolder) {
  fs::create_directories(here("source/deep/empty"));
  write_text(here("source/deep/b"), "in b");
  write_text(here("source/run"), std::string(9 << 20, 'x'));
  fs::permissions(here("source/run"), fs::perms::owner_all);
  fs::create_symlink("deep/b", here("source/link"));
  const Artifact artifact{here("source").string(), "folder"};
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(at("folder/link"), "in b");
  EXPECT_TRUE(fs::is_symlink(here("node/folder/link")));
  EXPECT_TRUE(fs::is_directory(here("node/folder/deep/empty")));
  EXPECT_EQ(fs::file_size(here("node/folder/run")), 9u << 20U);
  EXPECT_NE(fs::status(here("node/folder/run")).permissions() & fs::perms::owner_exec,
            fs::perms::none);
  write_text(here("node/folder/cache"), "of its user");
  EXPECT_FALSE(fetch(artifact));
  write_text(here("source/deep/b"), "another b");
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(at("folder/deep/b"), "another b");
  EXPECT_FALSE(fs::exists(here("node/folder/cache")));
  EXPECT_TRUE(nothing_is_left_of_attempts());
}

TEST_F(ArtifactTest, MayBeAFolderWithNothingInIt) {
  fs::create_directories(here("source"));
  EXPECT_TRUE(fetch({here("source").string(), "folder"}));
  EXPECT_TRUE(fs::is_empty(here("node/folder")));
  EXPECT_FALSE(fetch({here("source").string(), "folder"}));
}

TEST_F(ArtifactTest, MayNotChangeBeforeItIsRead) {
  for (const bool in_folder : {false, true}) {
    fs::create_directories(here("source"));
    write_text(here("source/file"), "hello");
    ArtifactReader reader({here(in_folder ? "source" : "source/file").string(), "a"});
    reader.key();
    fs::last_write_time(here("source/file"), fs::file_time_type::clock::now() + 1s);
    EXPECT_THROW(while (!reader.next().empty()){}, InputError) << in_folder;
  }
}

TEST_F(ArtifactTest, MayNotChangeWhileItIsRead) {
  for (const bool in_folder : {false, true}) {
    fs::create_directories(here("source"));
    write_text(here("source/file"), std::string(9 << 20, 'x'));
    ArtifactReader reader({here(in_folder ? "source" : "source/file").string(), "a"});
    EXPECT_FALSE(reader.next().empty());
    fs::last_write_time(here("source/file"), fs::file_time_type::clock::now() + 1s);
    EXPECT_THROW(while (!reader.next().empty()){}, InputError) << in_folder;
  }
}

TEST_F(ArtifactTest, MayBeAProgram) {
  const auto artifact = file("#!/bin/sh");
  EXPECT_TRUE(fetch(artifact));
  EXPECT_EQ(fs::status(here("node/a/file")).permissions() & fs::perms::owner_exec, fs::perms::none);
  fs::permissions(here("file"), fs::perms::owner_all);
  EXPECT_TRUE(fetch(artifact));
  EXPECT_NE(fs::status(here("node/a/file")).permissions() & fs::perms::owner_exec, fs::perms::none);
}

TEST_F(ArtifactTest, LeavesNothingWhereItCannotGo) {
  fs::create_directories(here("source"));
  write_text(here("source/file"), "hello");
  std::optional<ArtifactPlace> place(std::in_place, Artifact{here("source").string(), "a/folder"});
  ArtifactReader reader({here("source").string(), "a/folder"});
  const auto key = reader.key();
  place->begin(reader.size());
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next())
    place->write(piece.view());
  fs::remove_all(here("node/a"));
  write_text(here("node/a"), "no folder");
  EXPECT_THROW(place->finish(key, reader.sum(), SourceKind::folder, {}), IoError);
  place.reset();
  EXPECT_TRUE(nothing_is_left_of_attempts());
}

TEST_F(ArtifactTest, ThatIsNotThereIsNamed) {
  EXPECT_THAT(complaint({here("nothing").string(), "a"}),
              ::testing::AllOf(HasSubstr("nothing'"), HasSubstr("No such file or directory")));
}

TEST_F(ArtifactTest, AFolderTakesNoSum) {
  fs::create_directories(here("source"));
  EXPECT_THAT(complaint({here("source").string(), "a", true}), HasSubstr("takes neither unpack"));
}

TEST_F(ArtifactTest, NeedsRoom) {
  ArtifactPlace place(file("hello"));
  EXPECT_THROW(place.begin(std::uint64_t{1} << 60U), IoError);
}

TEST(NodeFolder, IsWhereTheVariableSays) {
  const ArtifactCase one;
  EXPECT_EQ(node_folder(), one.here("node"));
}

TEST(NodeFolder, IsTheUsersOwnWithoutOne) {
  const ScratchFolder scratch;
  const std::string before = std::getenv("TMPDIR") == nullptr ? "" : std::getenv("TMPDIR");
  ::unsetenv("SLUICE_NODE_DIR");
  ::setenv("TMPDIR", scratch.path().c_str(), 1);
  const auto folder = make_node_folder();
  EXPECT_EQ(folder, scratch / fmt::format("sluice-{}", ::geteuid()));
  fs::permissions(folder, fs::perms::all);
  EXPECT_THROW(make_node_folder(), IoError);
  before.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before.c_str(), 1);
}

TEST(NodeFolder, HoldsEveryDest) {
  EXPECT_EQ(below_node_folder("$SLUICE_NODE_DIR/a/b"), "a/b");
  EXPECT_EQ(below_node_folder("${SLUICE_NODE_DIR}/a/"), "a");
  EXPECT_EQ(below_node_folder("a/./x/../b"), "a/b");
  for (const auto* dest : {"/etc/passwd", "..", "../a", "a/../../b", "$SLUICE_NODE_DIR", ".", "",
                           "$SLUICE_NODE_DIR/../a", "$HOME/a", ".sluice/x"}) {
    EXPECT_THROW(below_node_folder(dest), UsageError) << dest;
  }
}

}  // namespace
}  // namespace sluice::store
