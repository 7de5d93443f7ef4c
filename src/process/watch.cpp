#include "process/watch.hpp"

#include "process/system.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <utility>

namespace sluice::process {
namespace {

void control(int epoll, int what, int file, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = file;
  checked(::epoll_ctl(epoll, what, file, &event), "watch a process");
}

}  // namespace

Watch::Watch(std::vector<int> bells, std::function<void()> wake)
    : bells_(std::move(bells)),
      wake_(std::move(wake)),
      end_(checked(::eventfd(0, EFD_CLOEXEC), "make an eventfd")),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "watch a process")) {
  std::erase_if(bells_, [](int bell) { return bell < 0; });
  control(epoll_.get(), EPOLL_CTL_ADD, end_.get(), EPOLLIN);
  for (const int bell : bells_) control(epoll_.get(), EPOLL_CTL_ADD, bell, EPOLLONESHOT);
  thread_ = std::thread([this] { run(); });
}

Watch::~Watch() {
  ::eventfd_write(end_.get(), 1);
  thread_.join();
}

void Watch::arm(bool writable) {
  for (const int bell : bells_) {
    const bool writes = writable && bell == bells_.front();
    control(epoll_.get(), EPOLL_CTL_MOD, bell,
            EPOLLONESHOT | EPOLLIN | (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0U));
  }
}

void Watch::run() {
  while (true) {
    epoll_event event{};
    const auto count = uninterrupted([&] { return ::epoll_wait(epoll_.get(), &event, 1, -1); });
    if (count <= 0 || event.data.fd == end_.get()) return;
    wake_();
  }
}

}  // namespace sluice::process
