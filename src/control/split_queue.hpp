#pragma once

#include "control/batch_types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::control {

/// Cuts what is left of a stage's input into splits for whoever asks. Pure.
///
/// A split is an eighth of a worker's even share of what is left, so that the first ones are large
/// and the last ones small, and a slow worker holds nobody up at the end (guided self-scheduling:
/// Polychronopoulos and Kuck, IEEE Transactions on Computers C-36, 1987). A worker stays with its
/// piece of the input, a shard, as long as there is something left of it: it has that one open.
class SplitQueue {
 public:
  /// Splits hold at most `most_records`, and whole batches where they can.
  SplitQueue(std::vector<Span> pieces, std::uint64_t batch_size, std::uint64_t most_records);

  struct Split {
    std::uint64_t piece = 0;  ///< its place in the list
    Span records;

    bool operator==(const Split&) const = default;
  };
  /// Nothing if nothing is left.
  std::optional<Split> take(Rank rank, std::uint64_t workers);
  /// A part of a piece that was taken is to be handed out once more.
  void give_back(std::uint64_t piece, Span records);
  bool empty() const noexcept { return left_ == 0; }

 private:
  std::size_t piece_for(Rank rank);
  std::uint64_t size_for(std::uint64_t workers) const;

  std::vector<Span> pieces_;           ///< what is left of each
  std::vector<std::uint64_t> places_;  ///< of each, in the list that was given
  std::uint64_t batch_size_;
  std::uint64_t most_records_;
  std::uint64_t left_ = 0;
  std::size_t untouched_ = 0;            ///< pieces from here on are whole
  std::set<std::size_t> begun_;          ///< those before, of which something is left
  std::map<Rank, std::size_t> current_;  ///< the piece of each worker
};

}  // namespace sluice::control
