#include "base/log.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Log, AKeyMakesNoLinesOfItsOwnAndNoLongOnes) {
  auto folder = (std::filesystem::temp_directory_path() / "sluice-log-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const RankLog log(folder, 3, "n1");
    const LoggedRecord record("a\nerror rank 9: forged \x1b[31m" + std::string(5000, 'k'));
    rank_log().warn("failed\nerror rank 8: forged\x1b[2J");
  }
  std::ifstream file(std::filesystem::path(folder) / "logs/rank-3.log");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, HasSubstr("record a?error rank 9: forged ?[31mkkk"));
  EXPECT_THAT(text, HasSubstr(": failed\n  error rank 8: forged?[2J\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nerror")));
  EXPECT_LT(text.size(), 500u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice
