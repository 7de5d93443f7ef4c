#include "store/artifact_cases.hpp"

#include "store/archive.hpp"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ArchiveTest : public ::testing::Test, public ArtifactCase {
 protected:
  /// Packs by `fill`, and unpacks as an artifact.
  template <class Fill>
  std::string unpack(Fill fill) {
    ArchiveWriter archive;
    fill(archive);
    archive.finish();
    write_text(here("archive.tar"), archive.packed());
    return complaint({here("archive.tar").string(), "out", true});
  }

  static void add_file(ArchiveWriter& archive, const std::string& name, const std::string& text) {
    archive.begin_file(name, text.size(), false);
    archive.add_bytes(text);
  }

  void expect_refused(const std::string& complaint, const std::string& why) const {
    EXPECT_THAT(complaint, HasSubstr(why));
    EXPECT_FALSE(fs::exists(here("node/out")));
    EXPECT_FALSE(fs::exists(here("node/escaped")));
    EXPECT_TRUE(nothing_is_left_of_attempts());
  }
};

TEST_F(ArchiveTest, BecomesAFolder) {
  const auto said = unpack([&](ArchiveWriter& archive) {
    archive.add_folder("./");
    archive.add_folder("deep");
    add_file(archive, "./deep/a", "in a");
    archive.add_link("deep/link", "../deep/a");
  });
  EXPECT_EQ(said, "fetched");
  EXPECT_EQ(at("out/deep/a"), "in a");
  EXPECT_EQ(at("out/deep/link"), "in a");
  EXPECT_FALSE(fetch({here("archive.tar").string(), "out", true}));
  fs::remove(here("node/out/deep/a"));
  EXPECT_TRUE(fetch({here("archive.tar").string(), "out", true}));
  EXPECT_EQ(at("out/deep/a"), "in a");
}

TEST_F(ArchiveTest, MayNotWriteOutside) {
  for (const auto* name : {"../escaped", "/tmp/escaped", "a/../../escaped", ".."}) {
    expect_refused(unpack([&](ArchiveWriter& archive) {
                     add_file(archive, "good", "good");
                     add_file(archive, name, "bad");
                   }),
                   "lies outside the folder");
  }
}

TEST_F(ArchiveTest, MayNotLeadOutside) {
  for (const auto* target : {"..", "/etc", "a/../../x", "../escaped"}) {
    expect_refused(unpack([&](ArchiveWriter& archive) { archive.add_link("link", target); }),
                   "outside the folder");
  }
}

TEST_F(ArchiveTest, MayNotWriteThroughALink) {
  const auto said = unpack([&](ArchiveWriter& archive) {
    archive.add_folder("real");
    archive.add_link("link", "real");
    add_file(archive, "link/file", "bad");
  });
  EXPECT_FALSE(fs::exists(here("node/out/real/file"))) << said;
}

TEST_F(ArchiveTest, ThatIsCutShortIsRefused) {
  ArchiveWriter archive;
  add_file(archive, "a", std::string(100'000, 'x'));
  archive.finish();
  write_text(here("archive.tar"), archive.packed().substr(0, 50'000));
  expect_refused(complaint({here("archive.tar").string(), "out", true}), "cannot be unpacked");
}

TEST_F(ArchiveTest, ThatIsNoneIsRefused) {
  write_text(here("archive.tar"), "no archive at all");
  expect_refused(complaint({here("archive.tar").string(), "out", true}), "cannot be unpacked");
}

}  // namespace
}  // namespace sluice::store
