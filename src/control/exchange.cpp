#include "control/exchange.hpp"

#include <sluice/error.hpp>

#include <algorithm>

namespace sluice::control {
namespace {

void append(Exchange::Commands& commands, const Exchange::Commands& more) {
  commands.insert(commands.end(), more.begin(), more.end());
}

}  // namespace

Exchange::Commands Exchange::want_to_send(Rank to, Number number) {
  offered_.push_back({to, number});
  return {Offer{to, number}};
}

Exchange::Commands Exchange::offered(Rank from, Number number) {
  offers_.push_back({from, number});
  return next_receive();
}

Exchange::Commands Exchange::cleared(Rank by, Number number) {
  const Transfer transfer{by, number};
  const auto it = std::find(offered_.begin(), offered_.end(), transfer);
  if (it == offered_.end()) throw InvariantError("a transfer was cleared that was not offered");
  offered_.erase(it);
  cleared_.push_back(transfer);
  return next_send();
}

Exchange::Commands Exchange::sent() {
  if (!sending_) throw InvariantError("a transfer was sent that was not launched");
  sending_.reset();
  return next_send();
}

Exchange::Commands Exchange::received() {
  if (!receiving_) throw InvariantError("a transfer was received that was not launched");
  receiving_.reset();
  return next_receive();
}

void Exchange::refused(Rank by, Number number) { std::erase(offered_, Transfer{by, number}); }

Exchange::Commands Exchange::cut_to(Rank rank) {
  const auto is_its = [rank](const Transfer& transfer) { return transfer.peer == rank; };
  std::erase_if(offered_, is_its);
  std::erase_if(cleared_, is_its);
  auto commands = cut(sending_, rank, true);
  append(commands, next_send());
  return commands;
}

Exchange::Commands Exchange::cut_from(Rank rank) {
  std::erase_if(offers_, [rank](const Transfer& transfer) { return transfer.peer == rank; });
  auto commands = cut(receiving_, rank, false);
  append(commands, next_receive());
  return commands;
}

Exchange::Commands Exchange::lost(Rank rank) {
  auto commands = cut_to(rank);
  append(commands, cut_from(rank));
  return commands;
}

Exchange::Commands Exchange::cut(std::optional<Transfer>& launched, Rank rank, bool sending) {
  if (!launched || launched->peer != rank) return {};
  const auto number = launched->number;
  launched.reset();
  return {Abandon{rank, number, sending}};
}

Exchange::Commands Exchange::next_send() {
  if (sending_ || cleared_.empty()) return {};
  sending_ = cleared_.front();
  cleared_.pop_front();
  return {Send{sending_->peer, sending_->number}};
}

Exchange::Commands Exchange::next_receive() {
  if (receiving_ || offers_.empty()) return {};
  receiving_ = offers_.front();
  offers_.pop_front();
  return {Receive{receiving_->peer, receiving_->number}};
}

}  // namespace sluice::control
