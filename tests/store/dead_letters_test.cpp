#include "store/dead_letters.hpp"
#include "store/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::store {
namespace {

DeadLetter letter(std::uint64_t input) {
  DeadLetter letter;
  letter.input = input;
  letter.key = "pages/\"" + std::to_string(input) + "\"\n\xff";
  letter.path = {0, 7};
  letter.record = "r";
  letter.stage = "ocr";
  letter.error = "no text\nat all";
  letter.attempts = 3;
  letter.rank = 2;
  letter.node = "n1";
  letter.time = "2026-01-02T03:04:05Z";
  return letter;
}

bool all(const DeadLetter&) { return true; }

TEST(DeadLetters, AreReadAsTheyWereWrittenALineEach) {
  const ScratchFolder folder;
  DeadLetters letters(folder / "sub/dead_letters.jsonl");
  letters.append(letter(1));
  EXPECT_FALSE(std::filesystem::exists(letters.file()));
  letters.flush();
  letters.append(letter(2));
  letters.append(letter(1));
  letters.flush();
  const auto text = read_text(letters.file());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  auto expected = letter(1);
  expected.key = "pages/\"1\"\n\xef\xbf\xbd";  // what is no UTF-8 is replaced
  EXPECT_EQ(parse_dead_letters(text).front(), expected);
  EXPECT_EQ(letters.size(), 3u);
  EXPECT_EQ(letters.inputs(), (std::set<std::uint64_t>{1, 2}));
}

TEST(DeadLetters, WithoutAnyThereIsNoFile) {
  const ScratchFolder folder;
  DeadLetters letters(folder / "dead_letters.jsonl");
  letters.keep_only(all);
  letters.flush();
  EXPECT_TRUE(folder.files().empty());
}

TEST(DeadLetters, OfAnEarlierRunAreKeptAsAskedForAndMoreMayFollow) {
  const ScratchFolder folder;
  const auto file = folder / "dead_letters.jsonl";
  {
    DeadLetters before(file);
    for (std::uint64_t input = 0; input < 6; ++input) before.append(letter(input));
    before.flush();
  }
  DeadLetters letters(file);
  letters.keep_only([](const DeadLetter& each) { return each.input % 2 == 1; });
  EXPECT_EQ(letters.inputs(), (std::set<std::uint64_t>{1, 3, 5}));
  letters.append(letter(9));
  letters.flush();
  EXPECT_EQ(letters.size(), 4u);
  std::vector<std::uint64_t> inputs;
  for (const auto& each : parse_dead_letters(read_text(file))) inputs.push_back(each.input);
  EXPECT_EQ(inputs, (std::vector<std::uint64_t>{1, 3, 5, 9}));
  DeadLetters last(file);
  last.keep_only([](const DeadLetter&) { return false; });
  EXPECT_TRUE(folder.files().empty());
}

TEST(DeadLetters, MayBeSortedOutWhileTheRunGoesOn) {
  const ScratchFolder folder;
  DeadLetters letters(folder / "dead_letters.jsonl");
  for (std::uint64_t input = 0; input < 4; ++input) letters.append(letter(input));
  letters.flush();
  letters.append(letter(4));
  letters.keep_only([](const DeadLetter& each) { return each.input >= 2; });
  EXPECT_EQ(letters.size(), 3u);
  EXPECT_EQ(letters.inputs(), (std::set<std::uint64_t>{2, 3, 4}));
  letters.append(letter(9));
  letters.flush();
  EXPECT_EQ(parse_dead_letters(read_text(letters.file())).size(), 4u);
}

TEST(DeadLetters, AFileThatWasCutAnywhereLosesNoWholeLine) {
  const ScratchFolder folder;
  const auto file = folder / "dead_letters.jsonl";
  const auto whole = to_line(letter(1)) + to_line(letter(2));
  const auto first = to_line(letter(1)).size();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write_text(file, whole.substr(0, size));
    DeadLetters letters(file);
    letters.keep_only(all);
    // A line whose end alone is missing is whole.
    const auto kept = (size >= first - 1 ? 1u : 0u) + (size >= whole.size() - 1 ? 1u : 0u);
    ASSERT_EQ(letters.size(), kept) << "cut at " << size;
    letters.append(letter(3));
    letters.flush();
    ASSERT_EQ(parse_dead_letters(read_text(file)).size(), kept + 1) << "cut at " << size;
  }
}

}  // namespace
}  // namespace sluice::store
