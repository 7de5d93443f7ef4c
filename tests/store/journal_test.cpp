#include "store/journal.hpp"

#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

namespace sluice::store {
namespace {

const std::vector<std::string> entries{"first", R"({"second": [1, 2]})", "", "the fourth"};

std::string written(const std::filesystem::path& path) {
  Journal journal(path);
  for (const auto& entry : entries) journal.append(entry);
  return read_text(path);
}

/// The longest list of whole lines that starts `text`.
std::size_t whole_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Journal, GivesBackWhatWasAppended) {
  const ScratchFolder folder;
  const auto text = written(folder / "journal");
  const auto found = Journal::read(folder / "journal");
  EXPECT_EQ(found.entries, entries);
  EXPECT_EQ(found.bytes, text.size());
  EXPECT_EQ(found.dropped, 0u);
  EXPECT_TRUE(Journal::read(folder / "none").entries.empty());
}

TEST(Journal, ATornTailIsDroppedWhereverItIsTorn) {
  const ScratchFolder folder;
  const auto text = written(folder / "journal");
  for (std::size_t length = 0; length < text.size(); ++length) {
    write_text(folder / "torn", text.substr(0, length));
    const auto found = Journal::read(folder / "torn");
    const auto whole = whole_lines(text.substr(0, length));
    ASSERT_EQ(found.entries, std::vector(entries.begin(), entries.begin() + whole)) << length;
    EXPECT_EQ(found.bytes + found.dropped, length);
    EXPECT_FALSE(found.damaged);
  }
}

TEST(Journal, NothingFromAFlippedByteOnCounts) {
  const ScratchFolder folder;
  const auto text = written(folder / "journal");
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      auto damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      write_text(folder / "damaged", damaged);
      const auto found = Journal::read(folder / "damaged");
      const auto before = whole_lines(text.substr(0, at));
      ASSERT_EQ(found.entries, std::vector(entries.begin(), entries.begin() + before)) << at;
    }
  }
}

TEST(Journal, SaysWhetherMoreThanATailIsDropped) {
  const ScratchFolder folder;
  auto text = written(folder / "journal");
  text[20] = '!';
  write_text(folder / "journal", text);
  EXPECT_TRUE(Journal::read(folder / "journal").damaged);
}

TEST(Journal, GoesOnBehindWhatIsWhole) {
  const ScratchFolder folder;
  const auto path = folder / "journal";
  write_text(path, written(path) + "torn");
  Journal(path, Journal::read(path).bytes).append("next");
  auto expected = entries;
  expected.emplace_back("next");
  EXPECT_EQ(Journal::read(path).entries, expected);
}

TEST(Journal, KeepsNothingOfALineForWhichThereIsNoSpace) {
  const ScratchFolder folder;
  const auto path = folder / "journal";
  Journal journal(path);
  journal.append("fits");
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{journal.bytes() + 30, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(journal.append(std::string(100, 'x')), IoError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  journal.append("after");
  EXPECT_EQ(Journal::read(path).entries, (std::vector<std::string>{"fits", "after"}));
}

TEST(Journal, NamesTheFileThatCannotBeOpened) {
  const ScratchFolder folder;
  write_text(folder / "file", "");
  try {
    Journal journal(folder / "file" / "journal");
    FAIL() << "it was opened";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("file/journal"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace sluice::store
