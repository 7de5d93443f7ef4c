#include "process/watch.hpp"
#include "process/system.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace sluice::process {
namespace {

using Clock = std::chrono::steady_clock;

// Not every system has something that tells of a child's death.
TEST(Watch, DoesWithoutABellThatIsNotThere) {
  const store::Descriptor bell(checked(::eventfd(0, EFD_CLOEXEC), "make an eventfd"));
  std::atomic<int> wakes{0};
  Watch watch({bell.get(), -1}, [&] { ++wakes; });
  watch.arm(false);
  EXPECT_EQ(wakes, 0);
  ::eventfd_write(bell.get(), 1);
  const auto until = Clock::now() + std::chrono::seconds(20);
  while (wakes == 0 && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace sluice::process
