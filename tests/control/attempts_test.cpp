// The search for poison records, on batches whose failures are drawn by seed.
#include "control/attempts.hpp"
#include "control/random.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <set>

namespace sluice::control {
namespace {

using Part = Attempts::Part;
using Then = Attempts::Verdict::Then;
using world::Random;

// How a failing call says what is at fault.
enum class Names { nothing, the_first, at_random };

std::size_t below(Random& random, std::size_t end) { return random.between(0, end - 1); }

struct Course {
  std::vector<std::size_t> succeeded;  ///< in the order in which they did
  std::map<std::size_t, std::uint64_t> poison;
  std::uint64_t calls = 0;
};

std::optional<std::size_t> first_poison(const std::set<std::size_t>& poison, Part part) {
  const auto it = poison.lower_bound(part.first);
  if (it == poison.end() || *it >= part.first + part.count) return std::nullopt;
  return *it - part.first;
}

// A call fails if poison is in the batch, or as `flaky` says.
template <class Flaky>
Course search(std::size_t records, std::size_t attempts, const std::set<std::size_t>& poison,
              Names names, Random& random, Flaky flaky) {
  Course course;
  Attempts search(records, attempts);
  while (const auto part = search.next()) {
    ++course.calls;
    const auto bad = first_poison(poison, *part);
    if (!bad && !flaky()) {
      for (std::size_t i = 0; i < part->count; ++i) course.succeeded.push_back(part->first + i);
      search.succeeded();
      continue;
    }
    std::optional<std::size_t> named;
    if (names == Names::the_first) named = bad;
    if (names == Names::at_random) named = below(random, part->count + 2);
    const auto verdict = search.failed(named);
    if (verdict.then == Then::poison) course.poison[part->first] = verdict.tries;
  }
  return course;
}

std::set<std::size_t> draw_poison(Random& random, std::size_t records) {
  std::set<std::size_t> poison;
  for (auto left = below(random, 6); left > 0 && records > 0; --left) {
    poison.insert(below(random, records));
  }
  return poison;
}

TEST(Attempts, FindExactlyThePoisonAndEveryOtherRecordSucceedsOnceAndInOrder) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    const auto records = below(random, 130);
    const auto attempts = 1 + below(random, 4);
    const auto poison = draw_poison(random, records);
    const auto names = static_cast<Names>(below(random, 3));
    const auto course = search(records, attempts, poison, names, random, [] { return false; });
    std::vector<std::size_t> good;
    for (std::size_t i = 0; i < records; ++i) {
      if (!poison.contains(i)) good.push_back(i);
    }
    EXPECT_EQ(course.succeeded, good) << "seed " << seed;
    std::set<std::size_t> found;
    for (const auto& [record, tries] : course.poison) {
      found.insert(record);
      EXPECT_GE(tries, records == 1 ? attempts : 2 * attempts) << "seed " << seed;
    }
    EXPECT_EQ(found, poison) << "seed " << seed;

    const auto n = records;
    const auto p = poison.size();
    const auto a = attempts;
    const std::uint64_t halvings = n > 1 ? std::bit_width(n - 1) : 0;
    EXPECT_LE(course.calls, a + n * (a + 1)) << "seed " << seed;
    if (names == Names::nothing) {
      EXPECT_LE(course.calls, a + p * (2 * halvings + a - 1)) << "seed " << seed;
    } else if (names == Names::the_first) {
      EXPECT_LE(course.calls, a + p * (a + 2)) << "seed " << seed;
    }
  }
}

TEST(Attempts, FlakyCallsCostTriesButNoRecordSucceedsTwice) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    const auto records = 1 + below(random, 60);
    const auto attempts = 1 + below(random, 5);
    const auto course = search(records, attempts, {}, Names::at_random, random,
                               [&] { return below(random, 3) == 0; });
    std::set<std::size_t> seen(course.succeeded.begin(), course.succeeded.end());
    EXPECT_TRUE(std::is_sorted(course.succeeded.begin(), course.succeeded.end()));
    EXPECT_EQ(seen.size(), course.succeeded.size()) << "seed " << seed;
    for (const auto& [record, tries] : course.poison) EXPECT_TRUE(seen.insert(record).second);
    EXPECT_EQ(seen.size(), records) << "seed " << seed;
    EXPECT_LE(course.calls, attempts + records * (attempts + 1)) << "seed " << seed;
  }
}

TEST(Attempts, TheWholeBatchIsTriedFirstAsOftenAsItMay) {
  Attempts search(8, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(search.next(), (Part{0, 8}));
    search.failed({});
  }
  EXPECT_EQ(search.next(), (Part{0, 4}));
  search.succeeded();
  EXPECT_EQ(search.next(), (Part{4, 4}));
  search.failed(2);
  EXPECT_EQ(search.next(), (Part{4, 2})) << "what stands before the record that was named";
  search.succeeded();
  for (const std::uint64_t tries : {5, 6, 7}) {
    EXPECT_EQ(search.next(), (Part{6, 1})) << "the record alone";
    const auto verdict = search.failed({});
    EXPECT_EQ(verdict.tries, tries);
    EXPECT_EQ(verdict.then, tries == 7 ? Then::poison : Then::again);
  }
  EXPECT_EQ(search.next(), (Part{7, 1}));
  search.succeeded();
  EXPECT_FALSE(search.next());
}

TEST(Attempts, OfASingleRecordAreAsManyAsItMayHave) {
  Attempts search(1, 2);
  EXPECT_EQ(search.failed(0).then, Then::again);
  EXPECT_EQ(search.failed(0).then, Then::poison);
  EXPECT_FALSE(search.next());
}

}  // namespace
}  // namespace sluice::control
