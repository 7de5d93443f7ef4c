#include "base/safe_text.hpp"

#include "base/capture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sluice {
namespace {

TEST(SafeText, StaysOnItsLineAndTellsATerminalNothing) {
  EXPECT_EQ(one_line("a\nb\x1b[31m\tc\x7f"), "a?b?[31m?c?");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "2J and \xc3\x9b \xc2\xa0 \xc2"),
            "?2J and \xc3\x9b \xc2\xa0 \xc2");
}

TEST(SafeText, LinesAfterTheFirstAreIndented) {
  EXPECT_EQ(safe_lines("failed:\n\tat x\x1b[2J\n12:00:00 sluice: forged"),
            "failed:\n  \tat x?[2J\n  12:00:00 sluice: forged");
  EXPECT_EQ(safe_lines(""), "");
  EXPECT_EQ(safe_lines("a\n"), "a\n  ");
}

TEST(SafeText, HintsCanBeCopiedIntoAShell) {
  EXPECT_EQ(command_hint("sluice resume", "runs/a"), "'sluice resume runs/a'");
  EXPECT_EQ(command_hint("sluice resume", "my runs/it's"), "`sluice resume 'my runs/it'\\''s'`");
}

// Without the quotes around them, as people copy them.
TEST(SafeText, AShellTakesTheHintsPathAsItIs) {
  for (const std::string path :
       {"runs/a", "my runs", "it's", "a\"b\"c", "$HOME/`id`", "a\\b", "~/x", "*", "a;b&c|d", "#x",
        "x!y", "(画像)", "{a,b}", "--help", "-"}) {
    auto hint = command_hint("printf '<%s>'", path);
    hint = hint.substr(1, hint.size() - 2);
    const auto said = capture({"sh", "-c", hint}, std::chrono::seconds(10));
    ASSERT_TRUE(said) << hint;
    const auto meant = path.starts_with("-") ? "./" + path : path;
    EXPECT_EQ(said->out, "<" + meant + ">") << hint;
  }
}

}  // namespace
}  // namespace sluice
