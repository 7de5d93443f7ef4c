#include "job/units.hpp"

#include <gtest/gtest.h>

namespace sluice::job {
namespace {

using std::chrono::nanoseconds;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("7ns"), nanoseconds(7));
  EXPECT_EQ(parse_duration("7us"), nanoseconds(7'000));
  EXPECT_EQ(parse_duration("10ms"), nanoseconds(10'000'000));
  EXPECT_EQ(parse_duration("1.5s"), nanoseconds(1'500'000'000));
  EXPECT_EQ(parse_duration("2min"), nanoseconds(120'000'000'000));
  EXPECT_EQ(parse_duration("1 h"), nanoseconds(3'600'000'000'000));
  EXPECT_EQ(parse_duration("0.25"), nanoseconds(250'000'000));
  EXPECT_EQ(duration_of_seconds(3), nanoseconds(3'000'000'000));
}

TEST(Duration, RefusesWhatIsNone) {
  for (const auto* text : {"", "ms", "10m", "10 parsecs", "-1s", "1s2", "nan", "1e30h", "0x10"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
  EXPECT_EQ(duration_of_seconds(-1), std::nullopt);
}

TEST(Size, ReadsEveryUnit) {
  EXPECT_EQ(parse_size("1048576"), 1048576u);
  EXPECT_EQ(parse_size("12B"), 12u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("1kB"), 1000u);
  EXPECT_EQ(parse_size("1.5 MiB"), 1572864u);
  EXPECT_EQ(parse_size("1MB"), 1000000u);
  EXPECT_EQ(parse_size("2GiB"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("3TB"), 3000000000000u);
}

TEST(Size, RefusesWhatIsNone) {
  for (const auto* text : {"", "KiB", "64K", "64kib", "-1", "inf", "10000000TiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sluice::job
