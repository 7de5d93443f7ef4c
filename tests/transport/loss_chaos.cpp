// Ranks in random traffic, of which some are killed one after the other, under mpirun
// --enable-recovery.
//   loss_chaos SEED KILLS
// A rank that survives prints "rank R: ok" once every message of the other survivors has arrived,
// unchanged and in order, and all of its own have. mpirun's exit code says nothing after a loss.
#include "base/random.hpp"
#include "transport/mpi.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include "transport/world.hpp"

namespace sluice::transport {
namespace {

using conformance::Clock;
using conformance::pattern;
using conformance::pattern_text;
using namespace std::chrono_literals;

constexpr auto traffic_after_last_kill = 1s;
constexpr auto stall = 20s;
constexpr std::uint64_t most_unanswered = 4;
constexpr std::array<std::size_t, 7> sizes{64, 900, 5'000, 15'000, 40'000, 200'000, 1 << 20};

struct Death {
  Rank rank;
  std::chrono::milliseconds at;
};

// The same on every rank.
std::vector<Death> deaths(std::uint64_t seed, int kills, int size) {
  Random random(seed);
  std::vector<Death> chosen;
  auto at = 100ms;
  while (static_cast<int>(chosen.size()) < kills) {
    const auto rank = static_cast<Rank>(random.next() % static_cast<std::uint64_t>(size));
    const bool again = std::any_of(chosen.begin(), chosen.end(),
                                   [rank](const Death& death) { return death.rank == rank; });
    if (again) continue;
    at += std::chrono::milliseconds(random.next() % 400);
    chosen.push_back({rank, at});
  }
  return chosen;
}

// What a message says of itself, before its bytes.
struct Head {
  enum class Kind : std::uint64_t { payload, answer, done };
  Kind kind = Kind::payload;
  std::uint64_t number = 0;
  std::uint64_t size = 0;
};

struct Peer {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t received = 0;
  bool dead = false;
  bool done = false;
};

class Talker {
 public:
  Talker(Transport& world, std::uint64_t seed)
      : world_(world),
        random_(seed + static_cast<std::uint64_t>(world.rank())),
        peers_(static_cast<std::size_t>(world.size())) {
    peer(world.rank()).dead = true;
  }

  void talk_until(Clock::time_point end) {
    while (Clock::now() < end) {
      say_something();
      if (!listen()) world_.wait(5ms);
    }
    until([this] { return all([](const Peer& p) { return p.answered == p.sent; }); }, "answers");
    for (Rank rank = 0; rank < world_.size(); ++rank) say(rank, {Head::Kind::done, 0, 0});
    until([this] { return all([](const Peer& p) { return p.done; }); }, "the end");
    if (!world_.flush(5s)) fail("something has not left");
  }

  std::uint64_t received() const { return received_; }
  // One that has said that it is done may have left since.
  int survivors() const {
    return static_cast<int>(
        std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return p.done; }));
  }

 private:
  Peer& peer(Rank rank) { return peers_[static_cast<std::size_t>(rank)]; }

  [[noreturn]] void fail(const std::string& why) {
    std::string state;
    for (Rank rank = 0; rank < world_.size(); ++rank) {
      const auto& p = peer(rank);
      state += fmt::format(" {}{}: sent {} answered {} received {}{}", rank, p.dead ? " dead" : "",
                           p.sent, p.answered, p.received, p.done ? " done" : "");
    }
    std::fprintf(stderr, "rank %d: FAILED: %s;%s\n", world_.rank(), why.c_str(), state.c_str());
    ::_exit(1);
  }

  template <class Test>
  bool all(Test test) const {
    return std::all_of(peers_.begin(), peers_.end(),
                       [&](const Peer& p) { return p.dead || test(p); });
  }

  template <class Done>
  void until(Done done, const char* what) {
    const auto end = Clock::now() + stall;
    while (!done()) {
      if (Clock::now() > end) fail(fmt::format("stalled, waiting for {}", what));
      if (!listen()) world_.wait(50ms);
    }
  }

  void say(Rank to, Head head) {
    if (peer(to).dead) return;
    Message message{to, std::string(sizeof head, '\0'), {}};
    std::memcpy(message.bytes.data(), &head, sizeof head);
    const bool beside = head.number % 2 == 0;
    if (head.size > 0 && beside) message.buffers.push_back(pattern(head.size, head.number));
    if (head.size > 0 && !beside) message.bytes += pattern_text(head.size, head.number);
    world_.send(std::move(message));
  }

  void say_something() {
    const auto to = static_cast<Rank>(random_.next() % peers_.size());
    auto& p = peer(to);
    if (p.dead || p.sent - p.answered >= most_unanswered) return;
    say(to, {Head::Kind::payload, p.sent++, sizes[random_.next() % sizes.size()]});
  }

  bool listen() {
    bool any = false;
    const auto lost = world_.take_lost();
    do {
      const auto message = world_.receive();
      if (!message) break;
      any = true;
      hear(*message);
    } while (!lost.empty());  // one that is done leaves; its last word may still be here
    for (const Rank rank : lost) {
      world_.forget(rank);
      peer(rank).dead = true;
    }
    return any;
  }

  void hear(const Message& message) {
    auto& p = peer(message.peer);
    if (p.dead) fail(fmt::format("a message from rank {}, which is forgotten", message.peer));
    Head head;
    std::memcpy(&head, message.bytes.data(), sizeof head);
    if (head.kind == Head::Kind::done) p.done = true;
    if (head.kind == Head::Kind::answer && head.number != p.answered++) fail("an answer too many");
    if (head.kind != Head::Kind::payload) return;
    if (head.number != p.received++) fail("a message is missing, or came twice");
    const auto body = std::string_view(message.bytes).substr(sizeof head);
    const auto bytes = message.buffers.empty() ? body : message.buffers.front().view();
    if (bytes.size() != head.size || !conformance::is_pattern(bytes, head.number)) {
      fail("wrong bytes");
    }
    ++received_;
    say(message.peer, {Head::Kind::answer, head.number, 0});
  }

  Transport& world_;
  Random random_;
  std::vector<Peer> peers_;
  std::uint64_t received_ = 0;
};

int run(std::uint64_t seed, int kills) {
  const auto world = make_mpi_rank();
  const auto start = Clock::now();
  const auto plan = deaths(seed, kills, world->size());
  for (const auto& death : plan) {
    if (death.rank != world->rank()) continue;
    std::thread([at = start + death.at] {
      std::this_thread::sleep_until(at);
      ::kill(::getpid(), SIGKILL);
    }).detach();
  }
  const auto last = plan.empty() ? 0ms : plan.back().at;
  Talker rank(*world, seed);
  rank.talk_until(start + last + traffic_after_last_kill);
  if (rank.survivors() != world->size() - kills - 1) {
    std::fprintf(stderr, "rank %d: FAILED: knows of %d other survivors\n", world->rank(),
                 rank.survivors());
    return 1;
  }
  std::printf("rank %d: ok, %llu messages\n", world->rank(),
              static_cast<unsigned long long>(rank.received()));
  return 0;
}

}  // namespace
}  // namespace sluice::transport

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return sluice::transport::run(std::strtoull(argv[1], nullptr, 10), std::atoi(argv[2]));
}
