#include "observe/trace_clocks.hpp"

#include <algorithm>

namespace sluice::observe {

void TraceClocks::note(Node node, double clock, double wall) {
  offsets_.try_emplace(node, wall - clock);
}

void TraceClocks::note_passage(Node from, double sent, Node to, double seen) {
  if (from == to) return;
  const auto [it, first] = passages_.try_emplace({from, to}, seen - sent);
  if (!first) it->second = std::min(it->second, seen - sent);
}

// As the longest paths from node to node are found: a clock that is put forward may ask the same of
// others, but not without end, since the true clocks meet all that is asked. Should they not, since
// they drifted apart, it ends all the same.
void TraceClocks::settle() {
  const auto before = offsets_;
  bool moved = true;
  for (std::size_t round = 0; moved && round < offsets_.size(); ++round) {
    moved = false;
    for (const auto& [nodes, shortest] : passages_) {
      auto& to = offsets_.at(nodes.second);
      const double least = offsets_.at(nodes.first) - shortest;
      if (to >= least) continue;
      to = least;
      moved = true;
    }
  }
  for (const auto& [node, offset] : offsets_) {
    correction_ = std::max(correction_, offset - before.at(node));
  }
}

}  // namespace sluice::observe
