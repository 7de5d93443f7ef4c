#pragma once

#include <cstdint>
#include <map>
#include <utility>

namespace sluice::observe {

/// The clocks of the nodes of a run, by attempt and node, brought to one time: each node's wall
/// clock says where its own clock stands, and since wall clocks disagree, one is put forward where
/// records would otherwise have come before they were sent.
class TraceClocks {
 public:
  using Node = std::pair<std::uint64_t, std::int32_t>;  ///< attempt, number

  /// A rank of the node says so; the first one counts.
  void note(Node node, double clock, double wall);
  /// Records left one node at `sent` and were seen on another at `seen`, by their clocks.
  void note_passage(Node from, double sent, Node to, double seen);
  /// To be called when all was noted.
  void settle();

  /// Seconds since 1970.
  double time(Node node, double clock) const { return clock + offsets_.at(node); }
  /// By how much the clock that was put forward most was.
  double correction() const noexcept { return correction_; }

 private:
  std::map<Node, double> offsets_;
  std::map<std::pair<Node, Node>, double> passages_;  ///< the shortest, by the nodes' clocks
  double correction_ = 0;
};

}  // namespace sluice::observe
