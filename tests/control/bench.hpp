#pragma once

#include "control/dispatcher.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::control {

inline bool operator==(const Grant& a, const Grant& b) {
  return a.producer == b.producer && a.consumer == b.consumer && a.batch == b.batch &&
         a.records == b.records && a.total == b.total && a.settled == b.settled;
}
inline bool operator==(const GrantAhead& a, const GrantAhead& b) {
  return a.producer == b.producer && a.consumer == b.consumer && a.channel == b.channel &&
         a.batch == b.batch && a.most == b.most;
}
inline bool operator==(const Seal& a, const Seal& b) {
  return a.consumer == b.consumer && a.batch == b.batch && a.total == b.total;
}
inline bool operator==(const Assign& a, const Assign& b) {
  return a.rank == b.rank && a.stage == b.stage && a.worker == b.worker && a.workers == b.workers &&
         a.setup_node == b.setup_node && a.deliver == b.deliver;
}
inline bool operator==(const Retire& a, const Retire& b) { return a.rank == b.rank; }

// How gtest shows them.
inline void PrintTo(const Grant& g, std::ostream* out) {
  *out << "grant{" << g.producer << "->" << g.consumer << " batch " << g.batch << ": " << g.records
       << ", total " << g.total << (g.settled ? ", settled}" : "}");
}
inline void PrintTo(const GrantAhead& g, std::ostream* out) {
  *out << "ahead{" << g.producer << "->" << g.consumer << " channel " << g.channel << " batch "
       << g.batch << ": at most " << g.most << "}";
}
inline void PrintTo(const Seal& s, std::ostream* out) {
  *out << "seal{" << s.consumer << " batch " << s.batch << ": total " << s.total << "}";
}
inline void PrintTo(const Assign& a, std::ostream* out) {
  *out << "assign{" << a.rank << " stage " << a.stage << ": " << a.worker << "/" << a.workers
       << (a.setup_node ? ", node" : "") << (a.deliver ? ", deliver" : "") << "}";
}
inline void PrintTo(const Retire& r, std::ostream* out) { *out << "retire{" << r.rank << "}"; }

/// A dispatcher and a clock for tests to push by hand.
class Bench {
 public:
  /// All ranks are on node 0 unless `nodes` says otherwise.
  explicit Bench(ChannelSpec spec, std::vector<int> nodes = std::vector<int>(100, 0))
      : dispatcher(spec, std::move(nodes)) {}

  Commands match() {
    Commands commands;
    dispatcher.match(now, commands);
    return commands;
  }
  /// A producer made records; what follows.
  Commands backlog(Rank producer, std::uint64_t records, std::uint64_t bytes = 0) {
    dispatcher.backlog(producer, records, bytes);
    return match();
  }
  Commands taken(Rank consumer, BatchId batch) {
    dispatcher.taken(consumer, batch);
    return match();
  }
  Commands finished(Rank consumer, BatchId batch) {
    dispatcher.finished(consumer, batch);
    return match();
  }
  Commands end() {
    dispatcher.end_of_input();
    return match();
  }

  Dispatcher dispatcher;
  Time now{0};
};

}  // namespace sluice::control
