// The same chain as pipeline.cpp's, by a master and workers written by hand in MPI: each worker has
// one stage, and the master sends a record to a worker of the next stage when it comes back. With
// --fused each worker does all stages of a record by itself, so nothing but its number travels.
#include "common/launch.hpp"
#include "common/payload.hpp"
#include "common/samples.hpp"
#include "common/work.hpp"
#include "common/world.hpp"

#include <mpi.h>

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t slots = 2;  // records that a worker has: one in work, one fetched ahead
constexpr int item_tag = 1;
constexpr int stop_tag = 2;

struct Header {
  std::uint64_t number = 0;
  double stamp = 0;  ///< when the stage before was done with it
};

// A header, and the item if it has been made yet.
struct Message {
  std::vector<std::byte> bytes;
  int size = 0;

  explicit Message(std::size_t item_bytes = 0) : bytes(sizeof(Header) + item_bytes) {}
  int capacity() const { return static_cast<int>(bytes.size()); }
  Header header() const {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
  }
  void set(const Header& header) { std::memcpy(bytes.data(), &header, sizeof header); }
  std::byte* item() { return bytes.data() + sizeof(Header); }
};

class Worker {
 public:
  Worker(const Chain& chain, std::size_t first, std::size_t end)
      : chain_(chain), first_(first), end_(end) {
    for (auto stage = first; stage < end; ++stage) works_.push_back(chain.work(stage));
  }

  // Receives ahead into one message while it works on the other.
  void run() {
    std::array<Message, slots> messages{Message(chain_.bytes), Message(chain_.bytes)};
    std::array<MPI_Request, slots> requests{};
    for (std::size_t i = 0; i < slots; ++i) receive(messages.at(i), requests.at(i));
    for (std::size_t i = 0;; i = (i + 1) % slots) {
      MPI_Status status;
      MPI_Wait(&requests.at(i), &status);
      if (status.MPI_TAG == stop_tag) break;
      work(messages.at(i));
      MPI_Send(messages.at(i).bytes.data(), messages.at(i).size, MPI_BYTE, 0, item_tag,
               MPI_COMM_WORLD);
      receive(messages.at(i), requests.at(i));
    }
    for (auto& request : requests) {
      if (request == MPI_REQUEST_NULL) continue;
      MPI_Cancel(&request);
      MPI_Wait(&request, MPI_STATUS_IGNORE);
    }
  }

  const std::vector<double>& hops() const { return hops_; }

 private:
  static void receive(Message& message, MPI_Request& request) {
    MPI_Irecv(message.bytes.data(), message.capacity(), MPI_BYTE, 0, MPI_ANY_TAG, MPI_COMM_WORLD,
              &request);
  }

  void work(Message& message) {
    auto header = message.header();
    if (chain_.hops && first_ > 0) hops_.push_back(monotonic_seconds() - header.stamp);
    for (auto stage = first_; stage < end_; ++stage) {
      if (stage > 0) check_stamp(message.item(), chain_.bytes, header.number);
      works_[stage - first_].spend(stage, header.number);
      if (stage == 0) stamp(message.item(), chain_.bytes, header.number);
    }
    header.stamp = monotonic_seconds();
    message.set(header);
    const bool drops = end_ == chain_.stages;
    message.size = drops ? static_cast<int>(sizeof header) : message.capacity();
  }

  const Chain& chain_;
  std::size_t first_;
  std::size_t end_;
  std::vector<Work> works_;
  std::vector<double> hops_;
};

class Master {
 public:
  Master(const Chain& chain, std::vector<std::size_t> stage_of_worker, std::size_t stages)
      : chain_(chain), stage_of_(std::move(stage_of_worker)), waiting_(stages) {
    free_.assign(stage_of_.size(), slots);
    sent_.resize(stage_of_.size());
  }

  std::vector<double> run() {
    for (send_what_can_be(); ends_.size() < chain_.records; send_what_can_be()) take_one();
    for (std::size_t i = 0; i < stage_of_.size(); ++i) {
      MPI_Send(nullptr, 0, MPI_BYTE, static_cast<int>(i) + 1, stop_tag, MPI_COMM_WORLD);
    }
    return ends_;
  }

 private:
  struct Sent {
    Message message;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void take_one() {
    Message message = spare();
    MPI_Status status;
    MPI_Recv(message.bytes.data(), message.capacity(), MPI_BYTE, MPI_ANY_SOURCE, item_tag,
             MPI_COMM_WORLD, &status);
    MPI_Get_count(&status, MPI_BYTE, &message.size);
    const auto worker = static_cast<std::size_t>(status.MPI_SOURCE) - 1;
    auto& sent = sent_[worker].front();
    MPI_Wait(&sent.request, MPI_STATUS_IGNORE);  // it came back, so it has arrived
    spares_.push_back(std::move(sent.message));
    sent_[worker].pop_front();
    ++free_[worker];
    const auto next = stage_of_[worker] + 1;
    if (next == waiting_.size()) {
      ends_.push_back(monotonic_seconds());
      spares_.push_back(std::move(message));
    } else {
      waiting_[next].push_back(std::move(message));
    }
  }

  // The last stage first, so that what is nearly done makes room.
  void send_what_can_be() {
    for (auto stage = waiting_.size(); stage-- > 0;) {
      for (auto worker = freest(stage); free_[worker] > 0; worker = freest(stage)) {
        if (stage == 0) admit();
        if (waiting_[stage].empty()) break;
        send(worker, std::move(waiting_[stage].front()));
        waiting_[stage].pop_front();
      }
    }
  }

  // Only while little waits between the stages, so that memory stays bounded.
  void admit() {
    std::size_t waiting = 0;
    for (const auto& stage : waiting_) waiting += stage.size();
    if (admitted_ == chain_.records || waiting > slots * stage_of_.size()) return;
    Message message = spare();
    message.set({admitted_++, monotonic_seconds()});
    message.size = static_cast<int>(sizeof(Header));
    waiting_[0].push_back(std::move(message));
  }

  std::size_t freest(std::size_t stage) const {
    std::size_t best = stage_of_.size();
    for (std::size_t i = 0; i < stage_of_.size(); ++i) {
      if (stage_of_[i] != stage) continue;
      if (best == stage_of_.size() || free_[i] > free_[best]) best = i;
    }
    return best;
  }

  void send(std::size_t worker, Message message) {
    auto& sent = sent_[worker].emplace_back();
    sent.message = std::move(message);
    MPI_Isend(sent.message.bytes.data(), sent.message.size, MPI_BYTE, static_cast<int>(worker) + 1,
              item_tag, MPI_COMM_WORLD, &sent.request);
    --free_[worker];
  }

  Message spare() {
    if (spares_.empty()) return Message(chain_.bytes);
    Message message = std::move(spares_.back());
    spares_.pop_back();
    return message;
  }

  const Chain& chain_;
  std::vector<std::size_t> stage_of_;         ///< of each worker, which is rank 1 + its number
  std::vector<std::deque<Message>> waiting_;  ///< for each stage
  std::vector<std::size_t> free_;             ///< slots of each worker
  std::vector<std::deque<Sent>> sent_;        ///< to each worker, in the order in which they return
  std::vector<Message> spares_;
  std::uint64_t admitted_ = 0;
  std::vector<double> ends_;
};

std::vector<std::size_t> stages_of_workers(const Chain& chain) {
  std::vector<std::size_t> result;
  for (std::size_t stage = 0; stage < chain.stages; ++stage) {
    result.insert(result.end(), chain.workers_of(stage), chain.fused ? 0 : stage);
  }
  return result;
}

int main_of(const Chain& chain) {
  const auto launch = launch_time();
  const World world(World::Settings::as_it_comes);
  const auto stage_of = stages_of_workers(chain);
  if (world.size() != static_cast<int>(stage_of.size()) + 1) {
    std::fprintf(stderr, "raw_master_worker: start it on %zu ranks\n", stage_of.size() + 1);
    return 2;
  }
  world.mpi_barrier();
  Course course{monotonic_seconds(), {}, {}, {}, {}, launch};
  course.system = chain.fused ? "raw MPI master/worker, fused" : "raw MPI master/worker";
  std::vector<double> hops;
  if (world.is_root()) {
    course.ends = Master(chain, stage_of, chain.fused ? 1 : chain.stages).run();
  } else {
    const auto stage = stage_of[static_cast<std::size_t>(world.rank()) - 1];
    Worker worker(chain, stage, chain.fused ? chain.stages : stage + 1);
    worker.run();
    hops = worker.hops();
  }
  course.hops = world.gather(hops);
  if (world.is_root()) print(results_of(chain, course), chain.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("A chain of stages by a master and workers; start it on one rank more than workers");
  sluice::bench::Chain chain;
  chain.add_to(app);
  app.add_flag("--fused", chain.fused, "each worker does all stages of a record");
  CLI11_PARSE(app, argc, argv);
  try {
    return sluice::bench::main_of(chain);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw_master_worker: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
    return 1;
  }
}
