#pragma once

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>

namespace sluice::testing {

/// A T that this process and those forked from it share, and a barrier for `count` of them.
template <class T>
class Meeting {
 public:
  explicit Meeting(unsigned count) {
    void* memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
    shared_ = new (memory) Shared;
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared_->barrier, &attributes, count);
  }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;
  ~Meeting() { munmap(shared_, sizeof(Shared)); }

  T& operator*() const { return shared_->value; }
  T* operator->() const { return &shared_->value; }
  void wait() const { pthread_barrier_wait(&shared_->barrier); }

 private:
  struct Shared {
    pthread_barrier_t barrier;
    T value;
  };
  Shared* shared_;
};

/// Runs `body(i)` in `count` processes at once. True if it returned true in all of them, within a
/// minute.
template <class Body>
bool in_processes(std::uint32_t count, const Body& body) {
  std::vector<pid_t> children;
  for (std::uint32_t i = 0; i < count; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    _exit(body(i) ? 0 : 1);
  }
  bool all = true;
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    all = all && status == 0;
  }
  return all;
}

}  // namespace sluice::testing
