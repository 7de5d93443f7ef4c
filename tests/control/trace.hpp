#pragma once

#include "control/types.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::control::world {

/// A schedule broke an invariant.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The last things that happened, and a hash of all of them: equal hashes, equal runs.
class Trace {
 public:
  struct Entry {
    Time at{};
    std::string_view what;
    Rank rank = 0;
    Rank other = 0;
    BatchId batch = 0;
    std::uint64_t records = 0;
    std::uint64_t total = 0;
  };

  void add(const Entry& entry) {
    last_[count_++ % last_.size()] = entry;
    for (const auto part :
         {static_cast<std::uint64_t>(entry.at.count()), entry.batch, entry.records, entry.total,
          static_cast<std::uint64_t>(entry.rank), static_cast<std::uint64_t>(entry.other),
          static_cast<std::uint64_t>(entry.what.size())}) {
      hash_ = (hash_ ^ part) * 0x9e3779b97f4a7c15ULL;
      hash_ ^= hash_ >> 29U;
    }
  }

  std::uint64_t hash() const { return hash_; }

  std::string text() const {
    std::string out;
    const std::size_t shown = count_ < last_.size() ? count_ : last_.size();
    for (std::size_t i = count_ - shown; i < count_; ++i) out += line(last_[i % last_.size()]);
    return out;
  }

 private:
  static std::string line(const Entry& e) {
    return fmt::format(
        "  {:>14.3f} us  {:<12} rank {:<2} other {:<2} batch {:<4} records {:<4} {}\n",
        static_cast<double>(e.at.count()) / 1000.0, e.what, e.rank, e.other, e.batch, e.records,
        e.total > 0 ? fmt::format("total {}", e.total) : "");
  }

  std::array<Entry, 120> last_;
  std::size_t count_ = 0;
  std::uint64_t hash_ = 1;
};

inline Trace::Entry entry_of(const Event& event, Time at) {
  using Entry = Trace::Entry;
  struct Visitor {
    Time at;
    Entry operator()(const NodeReady& e) const { return {at, "node-ready", e.rank}; }
    Entry operator()(const WorkerReady& e) const { return {at, "ready", e.rank}; }
    Entry operator()(const Taken& e) const { return {at, "taken", e.rank, 0, e.batch}; }
    Entry operator()(const Begun& e) const { return {at, "begun", e.rank, 0, e.batch}; }
    Entry operator()(const Finished& e) const {
      return {at, "finished", e.rank, 0, e.batch, e.records};
    }
    Entry operator()(const Declined& e) const { return {at, "declined", e.rank, 0, e.batch}; }
    Entry operator()(const Admitted& e) const { return {at, "admitted", 0, 0, 0, e.bytes}; }
    Entry operator()(const Left& e) const { return {at, "left", e.rank}; }
    Entry operator()(const Tick&) const { return {at, "tick"}; }
  };
  return std::visit(Visitor{at}, event);
}

inline Trace::Entry entry_of(const Command& command, Time at) {
  using Entry = Trace::Entry;
  struct Visitor {
    Time at;
    Entry operator()(const Assign& c) const {
      return {at, c.setup_node ? "> node-setup" : "> assign", c.rank, 0, 0, c.stage};
    }
    Entry operator()(const Grant& c) const {
      return {
          at,     c.settled ? "> settled" : "> grant", c.producer, c.consumer, c.batch, c.records,
          c.total};
    }
    Entry operator()(const GrantAhead& c) const {
      return {at, "> ahead", c.producer, c.consumer, c.batch, c.most};
    }
    Entry operator()(const Seal& c) const {
      return {at, "> seal", c.consumer, 0, c.batch, 0, c.total};
    }
    Entry operator()(const Retire& c) const { return {at, "> retire", c.rank}; }
  };
  return std::visit(Visitor{at}, command);
}

}  // namespace sluice::control::world
