#include "runtime/group_link.hpp"

#include "process/free_port.hpp"
#include "runtime/spec.hpp"
#include "transport/presence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::runtime {
namespace {

// A message ends the sleep; this only bounds it.
constexpr std::chrono::milliseconds nap{50};

/// What an operation throws when it cannot be done because of another rank.
struct GroupAborted : StageError {
  using StageError::StageError;
};

}  // namespace

GroupLink::GroupLink(transport::Transport& transport, const control::Assign& order,
                     std::function<bool()> look)
    : transport_(transport), look_(std::move(look)), term_(order.term), ranks_(order.group) {
  const int here = transport.node_of(transport.rank());
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    const bool is_me = ranks_[i] == transport.rank();
    if (is_me) me_ = static_cast<int>(i);
    if (is_me) local_rank_ = local_size_;
    if (transport.node_of(ranks_[i]) == here) ++local_size_;
  }
  on_one_node_ = local_size_ == size();
}

void GroupLink::on(GroupCall call) { calls_.push_back(std::move(call)); }

void GroupLink::on(GroupPart part) {
  if (part.call >= call_) parts_[{part.call, part.step}].emplace(part.from, std::move(part));
}

void GroupLink::on(GroupEnded end) {
  if (end.call >= call_) ended_[end.call].emplace(end.from, std::move(end));
}

void GroupLink::begin(const GroupCall& call) {
  call_ = call.call;
  if (call.kind == GroupCall::Kind::setup) {
    setup_ = call_;
    address_ = call.address;
    port_ = call.port;
  }
  step_ = 0;
  aborted_ = false;
  parts_.erase(parts_.begin(), parts_.lower_bound({call_, 0}));
  ended_.erase(ended_.begin(), ended_.lower_bound(call_));
}

void GroupLink::call(GroupCall::Kind kind, const EncodedBatch& batch) {
  GroupCall call{term_, call_ + 1, kind, address_, port_, batch};
  if (kind == GroupCall::Kind::setup) {
    call.address = on_one_node_ ? "127.0.0.1" : host_name();
    call.port = process::free_port();
  }
  begin(call);
  const transport::Presence presence(transport_);
  send_to_others(call);
}

std::optional<GroupCall> GroupLink::next_call() {
  if (calls_.empty()) return std::nullopt;
  auto call = std::move(calls_.front());
  calls_.pop_front();
  begin(call);
  return call;
}

void GroupLink::end(GroupEnded end) {
  end.term = term_;
  end.call = call_;
  end.from = static_cast<std::uint32_t>(me_);
  const transport::Presence presence(transport_);
  if (is_primary()) return send_to_others(end);
  transport_.send(pack(ranks_.front(), std::move(end)));
}

std::vector<GroupEnded> GroupLink::wait_for_others() {
  wait_until([this] { return ended_[call_].size() + 1 == ranks_.size(); });
  std::vector<GroupEnded> all;
  for (const auto& [from, end] : ended_[call_]) all.push_back(end);
  return all;
}

std::string GroupLink::through_primary(const std::string& what, std::string bytes,
                                       const Combine& combine) {
  const Step step{call_, step_++};
  if (is_primary()) return gather(step, what, std::move(bytes), combine);
  const auto from = static_cast<std::uint32_t>(me_);
  {
    const transport::Presence presence(transport_);
    transport_.send(
        pack(ranks_.front(), GroupPart{term_, step.first, step.second, from, what, bytes}));
  }
  wait_until([&] {
    if (parts_[step].contains(0)) return true;
    require_not_ended(step, what);
    return false;
  });
  auto part = parts_.extract(step);
  return std::move(part.mapped().at(0).bytes);
}

std::string GroupLink::gather(const Step& step, const std::string& what, std::string bytes,
                              const Combine& combine) {
  wait_until([&] {
    require_not_ended(step, what);
    return parts_[step].size() + 1 == ranks_.size();
  });
  std::vector<std::string> all{std::move(bytes)};
  for (auto& [from, part] : parts_[step]) {
    if (part.what != what) {
      abort(
          fmt::format("rank {} of the group is in {} while rank 0 is in {}: all ranks must call "
                      "the same operations in the same order",
                      from, part.what, what));
    }
    all.push_back(std::move(part.bytes));
  }
  parts_.erase(step);
  auto result = combine(std::move(all));
  const transport::Presence presence(transport_);
  send_to_others(GroupPart{term_, step.first, step.second, 0, what, result});
  return result;
}

// Whoever has ended the call will not take part. What it gave before has arrived before.
void GroupLink::require_not_ended(const Step& step, const std::string& what) {
  require_none_failed();
  for (const auto& [from, end] : ended_[step.first]) {
    if (parts_[step].contains(from)) continue;
    abort(
        fmt::format("rank {} of the group has returned while rank {} is in {}: all ranks must "
                    "call the same operations in the same order",
                    from, me_, what));
  }
}

void GroupLink::require_none_failed() {
  for (const auto& [from, end] : ended_[call_]) {
    if (end.outcome == GroupEnded::Outcome::done) continue;
    abort(fmt::format("rank {} of the group has failed: {}", from, end.message));
  }
}

void GroupLink::abort(const std::string& why) {
  aborted_ = true;
  throw GroupAborted(why);
}

void GroupLink::check() {
  {
    const transport::Presence presence(transport_);
    look_now();
  }
  require_none_failed();
}

// All are known to come before MPI is entered, where nobody could be called back.
void GroupLink::with_mpi(const std::function<void(void*)>& body) {
  barrier();
  const transport::Presence presence(transport_);
  constexpr std::uint64_t most_setups = 1U << 20U;
  transport_.with_mpi(ranks_, term_ * most_setups + setup_, body);
}

void GroupLink::look_now() {
  if (!look_()) throw GroupInterrupted{};
}

template <class Done>
void GroupLink::wait_until(Done done) {
  const transport::Presence presence(transport_);
  while (true) {
    look_now();
    if (done()) return;
    transport_.wait(nap);
  }
}

void GroupLink::send_to_others(const Packet& packet) {
  for (std::size_t i = 1; i < ranks_.size(); ++i) transport_.send(pack(ranks_[i], packet));
}

}  // namespace sluice::runtime
