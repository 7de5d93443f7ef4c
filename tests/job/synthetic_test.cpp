#include "job/stage_driver.hpp"
#include "job/stages/kinds.hpp"
#include "job/stages/service_time.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <thread>

namespace sluice::job {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Record> numbered(std::size_t count) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) records.emplace_back("record-" + std::to_string(i));
  return records;
}

StageDriver synthetic(const SettingTexts& given) { return {synthetic_kind(), given}; }

ServiceTime service(SettingTexts given) {
  return ServiceTime(settings_of(synthetic_kind(), given));
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// What a hundred calls take.
template <class Body>
double seconds_of(Body body) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) body();
  return seconds(std::chrono::steady_clock::now() - start);
}

// Which of the records fail alone.
std::vector<std::string> victims(const SettingTexts& given, std::size_t count) {
  auto stage = synthetic(given);
  std::vector<std::string> keys;
  for (auto& record : numbered(count)) {
    try {
      stage.process({record});
    } catch (const RecordError&) {
      keys.push_back(record.key);
    }
  }
  return keys;
}

TEST(Synthetic, PassesRecordsOnByDefault) {
  Record record("k");
  record.set("bytes", Buffer::copy_of("abc"));
  EXPECT_THAT(synthetic({}).process({record}), ElementsAre(record));
}

TEST(Synthetic, SplitsIntoNumberedKeys) {
  const auto out = synthetic({{"outputs", "3"}}).process({Record("a")});
  EXPECT_THAT(out, ElementsAre(Record("a/0"), Record("a/1"), Record("a/2")));
}

TEST(Synthetic, BytesDependOnSeedAndKeyOnly) {
  const SettingTexts given{{"output_bytes", "1003"}, {"outputs", "2"}, {"seed", "7"}};
  const auto bytes = [](const Record& record) { return record.get<Buffer>("bytes"); };
  const auto first = synthetic(given).process(numbered(5));
  const auto again = synthetic(given).process(numbered(5));
  EXPECT_EQ(first, again);
  EXPECT_EQ(bytes(first[0]).size(), 1003u);
  EXPECT_NE(bytes(first[0]), bytes(first[1]));
  EXPECT_NE(bytes(first[0]),
            bytes(synthetic({{"output_bytes", "1003"}, {"outputs", "2"}}).process(numbered(1))[0]));
}

// Whichever worker takes which records in whatever batches, the outputs are the same.
TEST(Synthetic, OutcomeDoesNotDependOnHowRecordsAreBatched) {
  const SettingTexts given{
      {"output_bytes", "16"}, {"outputs", "2"}, {"drop", "0.3"}, {"seed", "3"}};
  const auto by_key = [](const Record& a, const Record& b) { return a.key < b.key; };
  auto expected = synthetic(given).process(numbered(500));
  std::sort(expected.begin(), expected.end(), by_key);
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    auto records = numbered(500);
    std::shuffle(records.begin(), records.end(), random);
    std::vector<StageDriver> workers;
    for (int i = 0; i < 3; ++i) workers.push_back(synthetic(given));
    std::vector<Record> outputs;
    for (auto at = records.begin(); at != records.end();) {
      const auto size = std::min<std::ptrdiff_t>(1 + random() % 40, records.end() - at);
      for (auto& record : workers[random() % 3].process({at, at + size})) outputs.push_back(record);
      at += size;
    }
    std::sort(outputs.begin(), outputs.end(), by_key);
    ASSERT_EQ(outputs, expected);
  }
}

TEST(Synthetic, DropsAndFailsTheStatedShare) {
  const auto kept = synthetic({{"drop", "0.3"}}).process(numbered(10'000)).size();
  EXPECT_NEAR(static_cast<double>(kept), 7000, 150);
  const auto failed = victims({{"fail", "0.1"}}, 10'000);
  EXPECT_NEAR(static_cast<double>(failed.size()), 1000, 100);
  EXPECT_EQ(failed, victims({{"fail", "0.1"}}, 10'000));
  EXPECT_NE(failed, victims({{"fail", "0.1"}, {"seed", "1"}}, 10'000));
}

TEST(Synthetic, AFailingRecordMayPassAfterSoManyTimes) {
  auto stage = synthetic({{"fail", "1"}, {"fail_times", "2"}});
  EXPECT_THROW(stage.process(numbered(1)), RecordError);
  EXPECT_THROW(stage.process(numbered(1)), RecordError);
  EXPECT_EQ(stage.process(numbered(1)).size(), 1u);
}

TEST(Synthetic, SetupsFailAtTheStatedShareEachTimeAnew) {
  auto stage = synthetic({{"fail_setup", "0.5"}});
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    try {
      stage.setup(".");
    } catch (const StageError&) {
      ++failed;
    }
  }
  EXPECT_NEAR(failed, 500, 80);
}

TEST(Synthetic, FailureNamesTheRecordOfTheBatch) {
  const auto victim = victims({{"fail", "0.01"}}, 1000).at(0);
  try {
    synthetic({{"fail", "0.01"}}).process(numbered(1000));
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ("record-" + std::to_string(error.index), victim);
    EXPECT_STREQ(error.what(), "synthetic failure (settings.fail = 0.01)");
  }
}

TEST(Synthetic, EveryDistributionHasTheStatedMean) {
  for (const auto* kind : {"fixed", "exponential", "lognormal", "bimodal"}) {
    const auto time = service({{"service", kind}, {"mean", "10ms"}});
    double sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += seconds(time.of(5, std::to_string(i)));
    EXPECT_NEAR(sum / 100'000, 0.010, 0.0002) << kind;
  }
  EXPECT_EQ(service({}).of(1, "k").count(), 0);
}

TEST(Synthetic, BimodalHasTwoTimes) {
  const auto time = service({{"service", "bimodal"}, {"slow_share", "0.25"}, {"slow_factor", "5"}});
  int slow = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double t = seconds(time.of(5, std::to_string(i)));
    EXPECT_TRUE(std::abs(t - 0.005) < 1e-8 || std::abs(t - 0.025) < 1e-8) << t;
    slow += t > 0.015 ? 1 : 0;
  }
  EXPECT_NEAR(slow, 2500, 200);
}

TEST(Synthetic, SleepsOrBurnsForTheTimeOfTheBatch) {
  for (const auto* burn : {"false", "true"}) {
    auto stage = synthetic({{"service", "fixed"}, {"mean", "2ms"}, {"burn", burn}});
    const auto start = std::chrono::steady_clock::now();
    const auto cpu = std::clock();
    stage.process(numbered(20));
    EXPECT_GE(seconds(std::chrono::steady_clock::now() - start), 0.039) << burn;
    const double burnt = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    EXPECT_EQ(burnt > 0.035, std::string(burn) == "true") << burnt;
  }
}

// Beside plain sleeps of the same length, which are several times too long, so that a loaded
// machine slows both.
TEST(Synthetic, ShortSleepsAreRightOnAverage) {
  constexpr std::chrono::microseconds time(20);
  Spender spender(false);
  double spent = 0;
  double slept = 0;
  for (int round = 0; round < 20; ++round) {
    spent += seconds_of([&] { spender.spend(time); });
    slept += seconds_of([&] { std::this_thread::sleep_for(time); });
  }
  EXPECT_GE(spent, 20 * 100 * 20e-6 * 0.9);
  EXPECT_LE(spent, 0.8 * slept);
}

TEST(Synthetic, SettingsThatMakeNoSenseAreRefused) {
  const auto refusal = [](const std::string& name, const std::string& value) {
    return thrown<UsageError>([&] { synthetic({{name, value}}); });
  };
  EXPECT_THAT(refusal("service", "uniform"), HasSubstr("settings.service must be \"none\", "));
  EXPECT_THAT(refusal("outputs", "0"), HasSubstr("settings.drop makes a filter"));
  EXPECT_THAT(refusal("fail", "1.5"), HasSubstr("settings.fail = 1.5 must be a probability"));
  EXPECT_THAT(refusal("drop", "-0.1"), HasSubstr("settings.drop = -0.1 must be a probability"));
  EXPECT_THAT(refusal("sigma", "0"), HasSubstr("settings.sigma = 0 must be positive"));
  EXPECT_THAT(refusal("slow_share", "2"), HasSubstr("settings.slow_share = 2 must be from 0 to 1"));
}

}  // namespace
}  // namespace sluice::job
