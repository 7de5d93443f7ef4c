#include "store/artifact_cases.hpp"

#include "store/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

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

  struct Member {
    std::string name;
    std::string text;
    unsigned type = AE_IFREG;
    unsigned mode = 0644;
  };
  /// As other tools pack: `set_format` is one of libarchive's.
  static std::string packed(int (*set_format)(archive*), const std::vector<Member>& members) {
    std::string bytes(1 << 16, '\0');
    std::size_t used = 0;
    auto* out = archive_write_new();
    set_format(out);
    archive_write_set_options(out, "zip:compression=store,zip:hdrcharset=UTF-8");
    archive_write_open_memory(out, bytes.data(), bytes.size(), &used);
    for (const auto& member : members) {
      auto* entry = archive_entry_new();
      archive_entry_set_pathname_utf8(entry, member.name.c_str());
      archive_entry_set_filetype(entry, member.type);
      archive_entry_set_perm(entry, member.mode);
      archive_entry_set_size(entry, static_cast<la_int64_t>(member.text.size()));
      archive_write_header(out, entry);
      archive_write_data(out, member.text.data(), member.text.size());
      archive_entry_free(entry);
    }
    archive_write_free(out);
    bytes.resize(used);
    return bytes;
  }
  std::string unpack_bytes(const std::string& bytes) const {
    write_text(here("archive"), bytes);
    return complaint({here("archive").string(), "out", true});
  }
  unsigned mode(const std::string& name) const {
    return static_cast<unsigned>(fs::status(here("node/" + name)).permissions());
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

TEST_F(ArchiveTest, MayNotLeadOutsideByALinkToALink) {
  expect_refused(unpack([&](ArchiveWriter& archive) {
                   archive.add_folder("a/b");
                   archive.add_link("a/b/up", "../..");
                   archive.add_link("link", "a/b/up/../../escaped");
                 }),
                 "outside the folder");
}

TEST_F(ArchiveTest, MayHaveALinkToItself) {
  const auto pack = [&](ArchiveWriter& archive) { archive.add_link("link", "link"); };
  EXPECT_EQ(unpack(pack), "fetched");
  EXPECT_FALSE(fetch({here("archive.tar").string(), "out", true}));
}

TEST_F(ArchiveTest, IsUnpackedAgainWhenALinkToAFolderIsGone) {
  unpack([&](ArchiveWriter& archive) {
    archive.add_folder("real");
    archive.add_link("link", "real");
  });
  fs::remove(here("node/out/link"));
  EXPECT_TRUE(fetch({here("archive.tar").string(), "out", true}));
  EXPECT_TRUE(fs::is_symlink(here("node/out/link")));
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

TEST_F(ArchiveTest, OfAnotherFormThatIsDamagedIsRefused) {
  for (auto* form : {archive_write_set_format_zip, archive_write_set_format_7zip}) {
    auto bytes = packed(form, {{"a", "in a, which no tool would compress"}});
    EXPECT_EQ(unpack_bytes(bytes), "fetched");
    fs::remove_all(here("node"));
    const auto at = form == archive_write_set_format_zip ? bytes.find("in a") : 40;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    expect_refused(unpack_bytes(bytes), "cannot be unpacked");
  }
}

TEST_F(ArchiveTest, MayNotBeAListOfFilesOfTheNode) {
  write_text(here("secret"), "secret");
  expect_refused(unpack_bytes("#mtree\n./a type=file contents=" + here("secret").string() + "\n"),
                 "cannot be unpacked");
}

TEST_F(ArchiveTest, WithNothingInItIsRefused) {
  expect_refused(unpack_bytes(""), "cannot be unpacked");
  expect_refused(unpack_bytes(std::string(10'240, '\0')), "it is empty");
}

TEST_F(ArchiveTest, LeavesItsUserMasterOfWhatItHolds) {
  EXPECT_EQ(unpack_bytes(packed(archive_write_set_format_ustar, {{"d/", "", AE_IFDIR, 0555},
                                                                 {"d/f", "f", AE_IFREG, 0444},
                                                                 {"x", "x", AE_IFREG, 06777}})),
            "fetched");
  EXPECT_EQ(mode("out/d"), 0755U);
  EXPECT_EQ(mode("out/d/f"), 0644U);
  EXPECT_EQ(mode("out/x"), 0755U);
}

TEST_F(ArchiveTest, MayHaveNamesInAnyLanguage) {
  EXPECT_EQ(unpack_bytes(packed(archive_write_set_format_zip, {{"gr\u00fcn", "green"}})),
            "fetched");
  EXPECT_EQ(at("out/gr\u00fcn"), "green");
}

}  // namespace
}  // namespace sluice::store
