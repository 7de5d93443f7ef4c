#include "base/text_width.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(TextWidth, WideCharactersTakeTwoCellsAndAccentsNone) {
  EXPECT_EQ(cells("read"), 4u);
  EXPECT_EQ(cells("画像"), 4u);
  EXPECT_EQ(cells("🙂"), 2u);
  EXPECT_EQ(cells("e\u0301te\u0301"), 3u);
  EXPECT_EQ(cells("a\nb"), 3u);  // as it will be shown
}

TEST(TextWidth, FitsWithoutSplittingACharacter) {
  EXPECT_EQ(fitted("画像", 6), "画像  ");
  EXPECT_EQ(fitted("画像", 3), "画 ");
  EXPECT_EQ(fitted("画像", 0), "");
  EXPECT_EQ(fitted("e\u0301t", 1), "e\u0301");  // the accent is its
  EXPECT_EQ(fitted("", 2), "  ");
}

TEST(TextWidth, WhatIsNoCharacterIsShownAsOne) {
  EXPECT_EQ(fitted("a\xFFz", 4), "a?z ");
  EXPECT_EQ(fitted("\xE7\x94", 3), "?? ");      // cut short
  EXPECT_EQ(fitted("\xED\xA0\x80", 3), "???");  // half of a pair
  EXPECT_EQ(fitted(std::string("a\0b", 3), 3), "a?b");
  EXPECT_EQ(fitted("a\x1b[1m", 5), "a?[1m");
  EXPECT_EQ(cells("\xE7\x94"), 2u);
}

TEST(TextWidth, BeginningsOfSoManyBytesAreWhole) {
  EXPECT_EQ(whole_beginning("画像", 6), "画像");
  EXPECT_EQ(whole_beginning("画像", 5), "画");
  EXPECT_EQ(whole_beginning("画像", 3), "画");
  EXPECT_EQ(whole_beginning("画像", 2), "");
  EXPECT_EQ(whole_beginning("\x80\x80\x80\x80\x80\x80", 5).size(), 5u);
}

}  // namespace
}  // namespace sluice
