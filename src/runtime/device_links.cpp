#include "runtime/device_links.hpp"

#include "base/log.hpp"
#include "gpu/device.hpp"
#include "runtime/device_lane.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

// For both ends of a link to join; meanwhile payloads go through host memory.
constexpr auto opening_patience = 30s;

constexpr std::chrono::nanoseconds transfer_pause = 200us;
constexpr std::chrono::nanoseconds opening_pause = 1ms;

// In which a death is heard of, if that is why a link failed.
constexpr auto remark_delay = 3s;

}  // namespace

void DeviceLinks::set(gpu::Device* device) {
  if (device != device_) refused_.clear();
  device_ = device;
  stream_ = device == nullptr ? nullptr : device->stream();
  const auto others = [&](const Ends& ends) {
    std::vector<Rank> ranks;
    for (const auto& [rank, end] : ends) {
      if (end.device != device) ranks.push_back(rank);
    }
    return ranks;
  };
  for (const auto rank : others(outgoing_)) close_outgoing(rank, State::closed, true);
  for (const auto rank : others(incoming_)) close_incoming(rank, State::closed, true);
}

bool DeviceLinks::reach(Rank to) {
  if (refused_.contains(to)) return false;
  const auto it = outgoing_.find(to);
  if (it != outgoing_.end()) return it->second.ready && it->second.peer_ready;
  guarded(to, true, [&] { open_to(to); });
  return false;
}

void DeviceLinks::open_to(Rank to) {
  auto& end = outgoing_[to];
  end.number = ++last_link_;
  end.device = device_;
  end.until = Clock::now() + opening_patience;
  const auto id = gpu::new_link_id();
  end.link = gpu::open_link(*device_, stream_, id, gpu::Link::End::sends);
  transport_.send(pack(to, LinkOffer{0, epoch_, end.number, id, device_->info().uuid}));
}

OfferedData DeviceLinks::offer(Rank to, std::uint64_t ticket, const Data& data) {
  OfferedData offered{0, ticket, outgoing_.at(to).number, {}, {}};
  std::vector<Buffer> left;
  to_send_[ticket].to = to;
  auto& linked = to_send_[ticket].buffers;
  for (const auto& buffer : data.records.buffers()) {
    const bool goes = buffer.memory() == Memory::device;
    offered.buffers.push_back({goes, buffer.size()});
    if (goes) linked.push_back(buffer);
    left.push_back(goes ? Buffer() : buffer);
  }
  offered.data = {data.epoch, data.batch, data.total, with_buffers(data.records, std::move(left))};
  obey(exchange_.want_to_send(to, ticket));
  return offered;
}

// NCCL refuses two ranks on one GPU.
bool DeviceLinks::may_link_with(const LinkOffer& offer) const {
  if (device_ == nullptr || !gpu::has_links()) return false;
  const bool same_node = transport_.node_of(offer.from) == transport_.node_of(transport_.rank());
  return !same_node || offer.gpu != device_->info().uuid;
}

void DeviceLinks::on(const LinkOffer& offer) {
  if (offer.epoch != epoch_) return;  // whoever sent it has given it up
  close_incoming(offer.from, State::closed, false);
  if (!may_link_with(offer)) {
    transport_.send(pack(offer.from, LinkState{0, offer.link, false, State::refused}));
    return;
  }
  auto& end = incoming_[offer.from];
  end.number = offer.link;
  end.device = device_;
  guarded(offer.from, false, [&] {
    end.link = gpu::open_link(*device_, stream_, offer.id, gpu::Link::End::receives);
  });
}

void DeviceLinks::on(const LinkState& word) {
  auto& ends = word.outgoing ? incoming_ : outgoing_;
  const auto it = ends.find(word.from);
  if (it == ends.end() || it->second.number != word.link) return;  // given up
  if (word.outgoing) return close_incoming(word.from, word.state, false);
  if (word.state == State::open) {
    it->second.peer_ready = true;
  } else {
    close_outgoing(word.from, word.state, false);
  }
}

void DeviceLinks::on(OfferedData offered) {
  const auto it = incoming_.find(offered.from);
  const bool known = it != incoming_.end() && it->second.number == offered.link;
  const Key key{offered.from, offered.ticket};
  if (!known || offered.buffers.size() != offered.data.records.buffers().size()) {
    return answer(key.first, key.second, false);
  }
  to_come_[key] = std::move(offered);
  obey(exchange_.offered(key.first, key.second));
}

void DeviceLinks::on(const Cleared& word) {
  if (to_send_.contains(word.ticket)) obey(exchange_.cleared(word.from, word.ticket));
}

void DeviceLinks::on(const Fetched& word) {
  if (word.fetched || sending_ == Key{word.from, word.ticket}) return;
  exchange_.refused(word.from, word.ticket);
  to_send_.erase(word.ticket);
}

void DeviceLinks::obey(const control::Exchange::Commands& commands) {
  for (const auto& command : commands) {
    std::visit([this](const auto& order) { obey(order); }, command);
  }
}

void DeviceLinks::obey(const control::Exchange::Send& order) {
  sending_ = Key{order.to, order.number};
  guarded(order.to, true,
          [&] { outgoing_.at(order.to).link->send(std::move(to_send_.at(order.number).buffers)); });
}

// If there is no room for it here, it comes through host memory, this time.
void DeviceLinks::obey(const control::Exchange::Receive& order) {
  const Key key{order.from, order.number};
  auto& link = *incoming_.at(order.from).link;
  const auto& offered = to_come_.at(key);
  const auto there = offered.data.records.buffers();
  std::vector<Buffer> linked;
  received_.assign(there.begin(), there.end());
  try {
    for (std::size_t i = 0; i < received_.size(); ++i) {
      if (!offered.buffers[i].linked) continue;
      received_[i] = link.allocate(offered.buffers[i].size);
      linked.push_back(received_[i]);
    }
  } catch (const Error& error) {
    rank_log().warn("no room for rank {}'s payload: {}", order.from, error.what());
    to_come_.erase(key);
    received_.clear();
    answer(key.first, key.second, false);
    return obey(exchange_.received());
  }
  receiving_ = key;
  guarded(order.from, false, [&] {
    link.receive(std::move(linked));
    transport_.send(pack(order.from, Cleared{0, order.number}));
  });
}

// Its link is being closed.
void DeviceLinks::obey(const control::Exchange::Abandon& order) {
  (order.sending ? sending_ : receiving_).reset();
  if (!order.sending) received_.clear();
}

void DeviceLinks::step() {
  if (open() == 0) return;
  look_after_opening();
  while (step_transfers()) {
  }
}

std::vector<control::Rank> DeviceLinks::opening(const Ends& ends) {
  std::vector<Rank> ranks;
  for (const auto& [rank, end] : ends) {
    const bool outgoing = end.until != Clock::time_point();
    if (!end.ready || (outgoing && !end.peer_ready)) ranks.push_back(rank);
  }
  return ranks;
}

void DeviceLinks::look_after_opening() {
  for (const auto rank : opening(outgoing_)) {
    guarded(rank, true, [&] {
      auto& end = outgoing_.at(rank);
      end.ready = end.link->ready();
      if (Clock::now() > end.until) throw Error(ExitCode::hung, "the other end did not join");
    });
  }
  for (const auto rank : opening(incoming_)) {
    guarded(rank, false, [&] {
      auto& end = incoming_.at(rank);
      end.ready = end.link->ready();
      if (end.ready) transport_.send(pack(rank, LinkState{0, end.number, false, State::open}));
    });
  }
}

// True if one has ended, so that the next can have begun.
bool DeviceLinks::step_transfers() {
  bool ended = false;
  if (sending_) {
    const auto [to, ticket] = *sending_;
    guarded(to, true, [&, to = to, ticket = ticket] {
      if (!outgoing_.at(to).link->idle()) return;
      ended = true;
      sending_.reset();
      to_send_.erase(ticket);
      obey(exchange_.sent());
    });
  }
  if (receiving_) {
    const auto from = receiving_->first;
    guarded(from, false, [&] {
      if (!incoming_.at(from).link->idle()) return;
      ended = true;
      received();
    });
  }
  return ended;
}

void DeviceLinks::received() {
  const auto key = *std::exchange(receiving_, std::nullopt);
  auto offered = std::move(to_come_.extract(key).mapped());
  offered.data.records = with_buffers(offered.data.records, std::exchange(received_, {}));
  arrived_.push_back(std::move(offered.data));
  answer(key.first, key.second, true);
  obey(exchange_.received());
}

void DeviceLinks::answer(Rank to, std::uint64_t ticket, bool fetched) {
  transport_.send(pack(to, Fetched{0, ticket, fetched}));
}

std::chrono::nanoseconds DeviceLinks::pause() const {
  if (sending_ || receiving_) return transfer_pause;
  return opening(outgoing_).empty() && opening(incoming_).empty() ? 1h : opening_pause;
}

// What was offered by it the receiver answers.
void DeviceLinks::close_outgoing(Rank to, State why, bool tell) {
  const auto it = outgoing_.find(to);
  if (it == outgoing_.end()) return;
  auto end = std::move(it->second);
  outgoing_.erase(it);
  if (why == State::refused) refused_.insert(to);
  if (end.link) end.link->abort();
  if (tell) transport_.send(pack(to, LinkState{0, end.number, true, why}));
  std::erase_if(to_send_, [to](const auto& entry) { return entry.second.to == to; });
  obey(exchange_.cut_to(to));
}

void DeviceLinks::close_incoming(Rank from, State why, bool tell) {
  const auto it = incoming_.find(from);
  if (it == incoming_.end()) return;
  auto end = std::move(it->second);
  incoming_.erase(it);
  if (end.link) end.link->abort();
  if (tell) transport_.send(pack(from, LinkState{0, end.number, false, why}));
  std::vector<Key> unanswered;
  for (const auto& [key, offered] : to_come_) {
    if (key.first == from) unanswered.push_back(key);
  }
  for (const auto& key : unanswered) {
    to_come_.erase(key);
    answer(key.first, key.second, false);
  }
  obey(exchange_.cut_from(from));
}

std::vector<std::string> DeviceLinks::take_remarks() {
  std::vector<std::string> texts;
  std::erase_if(remarks_, [&](Remark& remark) {
    if (Clock::now() < remark.due) return false;
    texts.push_back(std::move(remark.text));
    return true;
  });
  return texts;
}

void DeviceLinks::lost(Rank rank) {
  std::erase_if(remarks_, [rank](const Remark& remark) { return remark.peer == rank; });
  close_outgoing(rank, State::refused, false);
  close_incoming(rank, State::refused, false);
}

// Others may have done so earlier, which looks as if their links had failed.
void DeviceLinks::forget(std::uint64_t epoch) {
  epoch_ = epoch;
  refused_.clear();
  for (auto* ends : {&outgoing_, &incoming_}) {
    for (auto& [rank, end] : *ends) {
      if (end.link) end.link->abort();
    }
    ends->clear();
  }
  exchange_ = {};
  remarks_.clear();
  to_send_.clear();
  to_come_.clear();
  sending_.reset();
  receiving_.reset();
  received_.clear();
  arrived_.clear();
}

// A link that fails is given up, and so is the pair: payloads go through host memory.
template <class Body>
void DeviceLinks::guarded(Rank peer, bool outgoing, Body body) {
  try {
    body();
  } catch (const InvariantError&) {
    throw;
  } catch (const Error& error) {
    trouble(peer, outgoing, error.what());
  }
}

void DeviceLinks::trouble(Rank peer, bool outgoing, const std::string& what) {
  rank_log().warn("no link {} rank {}'s GPU: {}", outgoing ? "to" : "from", peer, what);
  remarks_.push_back(
      {peer, Clock::now() + remark_delay,
       fmt::format("payloads between some GPUs go through host memory, for there is no link "
                   "between them: {}",
                   what)});
  outgoing ? close_outgoing(peer, State::refused, true)
           : close_incoming(peer, State::refused, true);
}

}  // namespace sluice::runtime
