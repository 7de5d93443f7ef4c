#include "transport/death_watch.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace sluice::transport {
namespace {

using namespace std::chrono_literals;

pid_t start_sleeper() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  return child;
}

ProcessAddress address_of(pid_t pid) {
  auto address = ProcessAddress::own();
  address.pid = pid;
  return address;
}

std::vector<Rank> look_for_a_while(DeathWatch& watch) {
  for (int i = 0; i < 1000; ++i) {
    auto found = watch.look();
    if (!found.empty()) return found;
    std::this_thread::sleep_for(10ms);
  }
  return {};
}

TEST(DeathWatch, NamesTheOneThatWasKilledOnce) {
  const pid_t first = start_sleeper();
  const pid_t second = start_sleeper();
  DeathWatch watch;
  watch.add(3, address_of(first));
  watch.add(5, address_of(second));
  EXPECT_TRUE(watch.look().empty());
  ::kill(second, SIGKILL);
  // Before anyone has waited for the process, as its launcher may be busy.
  EXPECT_EQ(look_for_a_while(watch), std::vector<Rank>{5});
  EXPECT_TRUE(watch.look().empty());
  ::kill(first, SIGKILL);
  EXPECT_EQ(look_for_a_while(watch), std::vector<Rank>{3});
  ::waitpid(first, nullptr, 0);
  ::waitpid(second, nullptr, 0);
}

TEST(DeathWatch, OneThatIsGoneAlreadyIsDead) {
  const pid_t child = start_sleeper();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  DeathWatch watch;
  watch.add(1, address_of(child));
  EXPECT_EQ(watch.look(), std::vector<Rank>{1});
}

TEST(DeathWatch, APidOfAnotherNamespaceIsNotWatched) {
  auto elsewhere = ProcessAddress::own();
  ++elsewhere.pid_namespace;
  elsewhere.pid = 1 << 22;  // no process has it
  DeathWatch watch;
  watch.add(1, elsewhere);
  EXPECT_TRUE(watch.look().empty());
}

}  // namespace
}  // namespace sluice::transport
