#include "control/dispatcher.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

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

void Dispatcher::close(Rank rank, Commands& commands) {
  auto& leaver = consumer(rank);
  delist(rank, leaver);
  leaver.closing = true;
  const auto open = std::find_if(open_.begin(), open_.end(), [rank](const auto& entry) {
    return entry.second.consumer == rank;
  });
  if (open != open_.end()) seal(open->first, commands);
  remove_if_done(rank);
}

void Dispatcher::remove_if_done(Rank rank) {
  const auto it = consumers_.find(rank);
  if (it->second.closing && it->second.held() == 0) consumers_.erase(it);
}

void Dispatcher::backlog(Rank producer, std::uint64_t records, std::uint64_t bytes) {
  if (ended_) broken("backlog was announced after the end of input", producer, 0);
  if (records > 0) backlogs_.push_back({producer, records, bytes});
}

std::uint64_t Dispatcher::withdraw(Rank producer) {
  std::uint64_t records = 0;
  std::erase_if(backlogs_, [&](const Backlog& backlog) {
    if (backlog.producer != producer) return false;
    records += backlog.records;
    return true;
  });
  return records;
}

std::uint64_t Dispatcher::taken(Rank rank, BatchId batch) {
  auto& taker = consumer(rank);
  const auto it = taker.granted.find(batch);
  if (it == taker.granted.end()) broken("a batch was taken that was not granted", rank, batch);
  if (open_.contains(batch)) broken("a batch was taken before it was sealed", rank, batch);
  const auto contents = it->second;
  delist(rank, taker);
  granted_bytes_ -= contents.bytes;
  --waiting_;
  taker.granted.erase(it);
  taker.running.emplace(batch, contents.records);
  enlist(rank, taker);
  return contents.records;
}

std::uint64_t Dispatcher::finished(Rank rank, BatchId batch) {
  auto& worker = consumer(rank);
  const auto it = worker.running.find(batch);
  if (it == worker.running.end()) broken("a batch finished that was not taken", rank, batch);
  const auto records = it->second;
  delist(rank, worker);
  worker.running.erase(it);
  --held_;
  enlist(rank, worker);
  remove_if_done(rank);
  return records;
}

std::optional<Rank> Dispatcher::only_busy_consumer() const {
  if (consumers_.size() != 1 || consumers_.begin()->second.running.empty()) return std::nullopt;
  return consumers_.begin()->first;
}

void Dispatcher::grant_ahead(Rank producer, std::uint64_t channel, Commands& commands) {
  const bool fills = last_output_ >= spec_.batch_size;
  if (ahead_ || !fills || spec_.byte_budget > 0 || !backlogs_.empty() || !open_.empty()) return;
  const auto rank = choose(nodes_.at(static_cast<std::size_t>(producer)));
  if (!rank) return;
  if (consumers_.size() > 1 && consumers_.at(*rank).held() >= spec_.depth) return;
  ahead_ = GrantAhead{producer, *rank, channel, reserve(*rank), spec_.batch_size};
  commands.emplace_back(*ahead_);
}

Volume Dispatcher::settle(Rank producer, Volume made, Time now, Commands& commands) {
  if (made.records == 0) return {};
  last_output_ = made.records;
  if (!ahead_ || ahead_->producer != producer) return {};
  const auto order = *std::exchange(ahead_, std::nullopt);
  const auto records = std::min(made.records, order.most);
  const Volume sent{records,
                    records == made.records ? made.bytes : made.bytes / made.records * records};
  const auto& chosen = consumers_.at(order.consumer);
  consumers_.at(order.consumer).granted.at(order.batch) = {sent.records, sent.bytes};
  granted_bytes_ += sent.bytes;
  const bool is_whole = records == order.most;
  commands.emplace_back(
      Grant{producer, order.consumer, order.batch, records, is_whole ? records : 0, true});
  if (is_whole) return sent;
  const bool fills_another = std::any_of(open_.begin(), open_.end(), [&](const auto& open) {
    return open.second.consumer == order.consumer;
  });
  open_.emplace(order.batch, OpenBatch{order.consumer, now});
  if (chosen.closing || fills_another) seal(order.batch, commands);
  return sent;
}

Rank Dispatcher::declined(BatchId batch) {
  if (!awaits(batch)) broken("a batch was declined that was not promised", 0, batch);
  const Rank rank = std::exchange(ahead_, std::nullopt)->consumer;
  auto& chosen = consumer(rank);
  delist(rank, chosen);
  chosen.granted.erase(batch);
  --waiting_;
  --held_;
  enlist(rank, chosen);
  remove_if_done(rank);
  return rank;
}

void Dispatcher::match(Time now, Commands& commands) {
  while (!backlogs_.empty()) {
    const auto records = affordable(backlogs_.front());
    const auto batch = records > 0 ? batch_to_fill(now) : std::nullopt;
    if (!batch) break;
    grant(*batch, std::min(records, spec_.batch_size - contents(*batch).records), commands);
  }
  seal_due(now, commands);
}

std::optional<Time> Dispatcher::deadline() const {
  std::optional<Time> earliest;
  for (const auto& [batch, open] : open_) {
    if (!is_awaited(open) || spec_.batch_wait > Time::max() - open.since) continue;
    const Time due = open.since + spec_.batch_wait;
    if (!earliest || due < *earliest) earliest = due;
  }
  return earliest;
}

bool Dispatcher::has_room(const Consumer& consumer) const {
  if (consumer.closing) return false;
  return consumer.granted.size() < spec_.prefetch() && consumer.held() < spec_.most_held();
}

Dispatcher::Preference Dispatcher::preference(Rank rank, const Consumer& consumer) const {
  return {consumer.held() >= spec_.depth, consumer.held(), consumer.served, rank};
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

// Records go where nobody is busy, if there is such a consumer: what joins the batch of a busy one
// waits for as long as that one is busy, which may be very long.
std::optional<BatchId> Dispatcher::batch_to_fill(Time now) {
  const auto awaited = std::find_if(open_.begin(), open_.end(),
                                    [this](const auto& entry) { return is_awaited(entry.second); });
  if (awaited != open_.end()) return awaited->first;
  const bool any_idle = !room_.empty() && !std::get<0>(*room_.begin());
  if (!any_idle && !open_.empty()) return open_.begin()->first;
  const auto rank = choose(nodes_.at(static_cast<std::size_t>(backlogs_.front().producer)));
  if (!rank) return std::nullopt;
  return open_batch(*rank, now);
}

BatchId Dispatcher::open_batch(Rank rank, Time now) {
  const BatchId batch = reserve(rank);
  open_.emplace(batch, OpenBatch{rank, now});
  return batch;
}

BatchId Dispatcher::reserve(Rank rank) {
  auto& chosen = consumers_.at(rank);
  delist(rank, chosen);
  const BatchId batch = next_batch_++;
  chosen.granted.try_emplace(batch);
  chosen.served = batch;
  ++waiting_;
  ++held_;
  enlist(rank, chosen);
  return batch;
}

void Dispatcher::grant(BatchId batch, std::uint64_t records, Commands& commands) {
  auto& front = backlogs_.front();
  const auto bytes = records == front.records ? front.bytes : front.bytes / front.records * records;
  auto& filled = contents(batch);
  filled.records += records;
  filled.bytes += bytes;
  granted_bytes_ += bytes;
  commands.push_back(Grant{front.producer, open_.at(batch).consumer, batch, records, 0});
  front.records -= records;
  front.bytes -= bytes;
  if (front.records == 0) backlogs_.pop_front();
  if (filled.records == spec_.batch_size) seal(batch, commands);
}

// The last part says that it is the last, if it goes out only now.
void Dispatcher::seal(BatchId batch, Commands& commands) {
  const Rank rank = open_.at(batch).consumer;
  const auto total = contents(batch).records;
  open_.erase(batch);
  auto* last = commands.empty() ? nullptr : std::get_if<Grant>(&commands.back());
  if (last != nullptr && !last->settled && last->consumer == rank && last->batch == batch) {
    last->total = total;
  } else {
    commands.push_back(Seal{rank, batch, total});
  }
}

void Dispatcher::seal_due(Time now, Commands& commands) {
  // Backlog that is left over has no room, or no bytes in the budget. Bytes become free when a
  // sealed batch is taken; if there is none, what there is must go.
  const bool stuck = !backlogs_.empty() && waiting_ == open_.size();
  std::vector<BatchId> due;
  for (const auto& [batch, open] : open_) {
    const bool waited = is_awaited(open) && now - open.since >= spec_.batch_wait;
    if (waited || stuck || (ended_ && backlogs_.empty())) due.push_back(batch);
  }
  for (const auto batch : due) seal(batch, commands);
}

// The consumer could take the batch that is being filled at once.
bool Dispatcher::is_awaited(const OpenBatch& open) const {
  const bool promised = ahead_ && ahead_->consumer == open.consumer;
  return consumers_.at(open.consumer).held() - (promised ? 1 : 0) <= spec_.depth;
}

Dispatcher::Consumer& Dispatcher::consumer(Rank rank) {
  const auto it = consumers_.find(rank);
  if (it == consumers_.end()) broken("a rank is no consumer of this channel", rank, 0);
  return it->second;
}

Dispatcher::GrantedBatch& Dispatcher::contents(BatchId open) {
  return consumers_.at(open_.at(open).consumer).granted.at(open);
}

}  // namespace sluice::control
