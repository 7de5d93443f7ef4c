#pragma once

#include "runtime/protocol.hpp"

#include <deque>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// One end of a wire between processes; what is sent waits to be looked at.
class Wire final : public transport::Transport {
 public:
  /// `nodes`: by rank.
  explicit Wire(transport::Rank rank, std::vector<int> nodes = {0, 0, 0})
      : rank_(rank), nodes_(std::move(nodes)) {}
  transport::Rank rank() const override { return rank_; }
  int size() const override { return static_cast<int>(nodes_.size()); }
  int node_of(transport::Rank rank) const override {
    return nodes_.at(static_cast<std::size_t>(rank));
  }
  int nodes() const override { return 1; }
  void send(transport::Message message) override {
    receivers.push_back(message.peer);
    message.peer = rank_;
    sent.push_back(std::move(message));
  }
  std::optional<transport::Message> receive() override { return std::nullopt; }
  void wait(std::chrono::nanoseconds) override {}
  void notify() override {}
  bool between_processes() const noexcept override { return true; }
  bool flush(std::chrono::nanoseconds) override { return true; }
  void begin_absence() override {}
  void end_absence() override {}
  void look_in_absence(std::function<void()>, std::chrono::nanoseconds) override {}
  void set_caretaker(transport::Caretaker*) override {}
  std::uint64_t heard(transport::Rank) const override { return 0; }
  std::vector<transport::Rank> take_lost() override { return {}; }
  void forget(transport::Rank) override {}
  void with_mpi(const std::vector<transport::Rank>&, std::uint64_t,
                const std::function<void(void*)>&) override {}

  template <class Kind>
  Kind take() {
    return std::get<Kind>(unpack(take().second));
  }
  /// With its receiver.
  std::pair<transport::Rank, transport::Message> take() {
    std::pair next(receivers.front(), std::move(sent.front()));
    receivers.pop_front();
    sent.pop_front();
    return next;
  }

  std::deque<transport::Message> sent;
  std::deque<transport::Rank> receivers;  ///< of those

 private:
  transport::Rank rank_;
  std::vector<int> nodes_;
};

}  // namespace sluice::runtime
