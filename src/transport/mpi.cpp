#include "transport/mpi.hpp"

#include "transport/mpi_deputy.hpp"
#include "transport/mpi_port.hpp"

#include <optional>
#include <utility>

namespace sluice::transport {
namespace {

// One run's use of the process's port.
class MpiTransport final : public Transport {
 public:
  explicit MpiTransport(std::uint32_t piece_bytes) : port_(MpiPort::instance()) {
    port_.begin_run(piece_bytes);
  }
  ~MpiTransport() override {
    deputy_.reset();
    port_.end_run();
  }
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  Rank rank() const override { return port_.rank(); }
  int size() const override { return port_.size(); }
  int node_of(Rank rank) const override { return port_.nodes().node_of(rank); }
  int nodes() const override { return port_.nodes().nodes(); }

  void send(Message message) override { port_.send(std::move(message)); }
  std::optional<Message> receive() override {
    if (deputy_) deputy_->rethrow_failure();
    return port_.receive();
  }
  void wait(std::chrono::nanoseconds longest) override { port_.wait(longest); }
  void notify() override { port_.notify(); }
  bool between_processes() const noexcept override { return true; }
  bool flush(std::chrono::nanoseconds longest) override { return port_.flush(longest); }
  void begin_absence() override {
    if (!deputy_) deputy_.emplace(port_);
    deputy_->take_over();
  }
  void end_absence() override { deputy_->hand_back(); }
  void look_in_absence(std::function<void()> look, std::chrono::nanoseconds every) override {
    port_.look_in_absence(std::move(look), every);
  }
  void set_caretaker(Caretaker* caretaker) override { port_.set_caretaker(caretaker); }
  std::uint64_t heard(Rank rank) const override { return port_.heard(rank); }
  void with_mpi(const std::vector<Rank>& ranks, std::uint64_t key,
                const std::function<void(void*)>& body) override {
    auto comm = port_.communicator(ranks, key);
    body(&comm);
  }
  std::vector<Rank> take_lost() override { return port_.take_lost(); }
  void forget(Rank rank) override { port_.forget(rank); }

 private:
  MpiPort& port_;
  std::optional<MpiDeputy> deputy_;  ///< from the first absence on
};

}  // namespace

std::unique_ptr<Transport> make_mpi_rank(std::uint32_t piece_bytes) {
  return std::make_unique<MpiTransport>(piece_bytes);
}

}  // namespace sluice::transport
