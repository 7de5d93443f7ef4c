#include "transport/local.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "transport/conformance.hpp"

namespace sluice::transport {
namespace {

using conformance::Case;

// Runs the case on all ranks at once, each a thread.
void run_on_threads(const Case& one, int size) {
  auto ranks = make_local_ranks(size);
  std::vector<std::thread> threads;
  for (auto& rank : ranks) {
    threads.emplace_back([&one, end = std::move(rank)] {
      try {
        one.run(*end);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << end->rank() << ": " << error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

class LocalConformance : public testing::TestWithParam<std::tuple<Case, int>> {};

TEST_P(LocalConformance, Holds) {
  run_on_threads(std::get<Case>(GetParam()), std::get<int>(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Threads, LocalConformance,
                         testing::Combine(testing::ValuesIn(conformance::cases()),
                                          testing::Values(1, 2, 4, 8)),
                         [](const auto& each) {
                           return std::string(std::get<Case>(each.param).name) + "_" +
                                  std::to_string(std::get<int>(each.param));
                         });

TEST(LocalTransport, HandsBuffersOverWithoutCopying) {
  auto ranks = make_local_ranks(2);
  const Buffer buffer = conformance::pattern(1 << 20, 1);
  ranks[0]->send({1, "", {buffer}});
  EXPECT_EQ(conformance::next(*ranks[1]).buffers.at(0).data(), buffer.data());
}

TEST(LocalTransport, AnEndMayOutliveTheOthers) {
  auto ranks = make_local_ranks(2);
  ranks[0]->send({1, "last words", {}});
  ranks[0].reset();
  EXPECT_EQ(conformance::next(*ranks[1]).bytes, "last words");
  ranks[1]->send({0, "to nobody", {}});
}

}  // namespace
}  // namespace sluice::transport
