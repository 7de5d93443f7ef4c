#include "control/dispatcher.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>

namespace sluice::control {
namespace {

[[noreturn]] void broken(const std::string& what, Rank rank, BatchId batch) {
  throw InvariantError(what + " (rank " + std::to_string(rank) + ", batch " +
                       std::to_string(batch) + ")");
}

}  // namespace

void Dispatcher::add_consumer(Rank rank) {
  const auto [it, added] = consumers_.try_emplace(rank);
  if (!added) broken("a consumer joined a channel twice", rank, 0);
  enlist(rank, it->second);
}

void Dispatcher::backlog(Rank producer, std::uint64_t records, std::uint64_t bytes) {
  if (ended_) broken("backlog was announced after the end of input", producer, 0);
  if (records > 0) backlogs_.push_back({producer, records, bytes});
}

std::uint64_t Dispatcher::taken(Rank rank, BatchId batch) {
  auto& taker = consumer(rank);
  const auto it = taker.granted.find(batch);
  if (it == taker.granted.end()) broken("a batch was taken that was not granted", rank, batch);
  if (open_ && open_->id == batch) broken("a batch was taken before it was sealed", rank, batch);
  const auto contents = it->second;
  delist(rank, taker);
  granted_bytes_ -= contents.bytes;
  taker.granted.erase(it);
  taker.running.insert(batch);
  enlist(rank, taker);
  return contents.records;
}

void Dispatcher::finished(Rank rank, BatchId batch) {
  auto& worker = consumer(rank);
  delist(rank, worker);
  if (worker.running.erase(batch) != 1) broken("a batch finished that was not taken", rank, batch);
  --held_;
  enlist(rank, worker);
}

void Dispatcher::match(Time now, Commands& commands) {
  while (!backlogs_.empty()) {
    const auto& front = backlogs_.front();
    const auto records = affordable(front);
    if (records == 0) {
      if (open_) seal(commands);
      return;
    }
    if (!open_ && !open_batch(now)) return;
    grant(std::min(records, spec_.batch_size - open_contents().records), commands);
  }
  seal_if_due(now, commands);
}

std::optional<Time> Dispatcher::deadline() const {
  if (!open_ || !open_is_awaited()) return std::nullopt;
  if (spec_.batch_wait > Time::max() - open_->since) return std::nullopt;  // in no time that counts
  return open_->since + spec_.batch_wait;
}

bool Dispatcher::has_room(const Consumer& consumer) const {
  const auto prefetch = std::max<std::uint64_t>(1, spec_.slots - 1);
  return consumer.granted.size() < prefetch && consumer.held() < spec_.slots;
}

Dispatcher::Preference Dispatcher::preference(Rank rank, const Consumer& consumer) const {
  return {consumer.held() > 0, consumer.held(), consumer.served, rank};
}

void Dispatcher::enlist(Rank rank, const Consumer& consumer) {
  if (!has_room(consumer)) return;
  room_.insert(preference(rank, consumer));
  room_on_node_[nodes_.at(static_cast<std::size_t>(rank))].insert(preference(rank, consumer));
}

void Dispatcher::delist(Rank rank, const Consumer& consumer) {
  if (!has_room(consumer)) return;
  room_.erase(preference(rank, consumer));
  room_on_node_[nodes_.at(static_cast<std::size_t>(rank))].erase(preference(rank, consumer));
}

std::optional<Rank> Dispatcher::choose(int node) const {
  if (room_.empty()) return std::nullopt;
  const auto& anywhere = *room_.begin();
  const auto here = room_on_node_.find(node);
  if (here == room_on_node_.end() || here->second.empty()) return std::get<Rank>(anywhere);
  const auto& nearby = *here->second.begin();
  const bool only_far_is_idle = std::get<0>(nearby) && !std::get<0>(anywhere);
  return std::get<Rank>(only_far_is_idle ? anywhere : nearby);
}

// How many of the front backlog's records the byte budget allows now; a channel with nothing under
// way always gets at least one, or it would never move.
std::uint64_t Dispatcher::affordable(const Backlog& front) const {
  if (spec_.byte_budget == 0) return front.records;
  if (granted_bytes_ + front.bytes <= spec_.byte_budget) return front.records;
  const auto left = spec_.byte_budget - std::min(granted_bytes_, spec_.byte_budget);
  const auto each = std::max<std::uint64_t>(1, (front.bytes + front.records - 1) / front.records);
  const auto fitting = std::min(front.records, left / each);
  return fitting == 0 && granted_bytes_ == 0 ? 1 : fitting;
}

bool Dispatcher::open_batch(Time now) {
  const auto node = nodes_.at(static_cast<std::size_t>(backlogs_.front().producer));
  const auto rank = choose(node);
  if (!rank) return false;
  auto& chosen = consumers_.at(*rank);
  delist(*rank, chosen);
  open_ = OpenBatch{*rank, next_batch_++, now};
  chosen.granted.try_emplace(open_->id);
  chosen.served = open_->id;
  ++held_;
  enlist(*rank, chosen);
  return true;
}

void Dispatcher::grant(std::uint64_t records, Commands& commands) {
  auto& front = backlogs_.front();
  const auto bytes = records == front.records ? front.bytes : front.bytes / front.records * records;
  auto& contents = open_contents();
  contents.records += records;
  contents.bytes += bytes;
  granted_bytes_ += bytes;
  const Rank producer = front.producer;
  front.records -= records;
  front.bytes -= bytes;
  if (front.records == 0) backlogs_.pop_front();
  const bool complete = contents.records == spec_.batch_size || (ended_ && backlogs_.empty());
  commands.push_back(
      Grant{producer, open_->consumer, open_->id, records, complete ? contents.records : 0});
  if (complete) open_.reset();
}

void Dispatcher::seal(Commands& commands) {
  commands.push_back(Seal{open_->consumer, open_->id, open_contents().records});
  open_.reset();
}

void Dispatcher::seal_if_due(Time now, Commands& commands) {
  if (!open_) return;
  if (ended_ || (open_is_awaited() && now - open_->since >= spec_.batch_wait)) seal(commands);
}

// The consumer has nothing else to do than the batch that is being filled.
bool Dispatcher::open_is_awaited() const { return consumers_.at(open_->consumer).held() == 1; }

Dispatcher::Consumer& Dispatcher::consumer(Rank rank) {
  const auto it = consumers_.find(rank);
  if (it == consumers_.end()) broken("a rank is no consumer of this channel", rank, 0);
  return it->second;
}

Dispatcher::GrantedBatch& Dispatcher::open_contents() {
  return consumers_.at(open_->consumer).granted.at(open_->id);
}

}  // namespace sluice::control
