#include "control/split_queue.hpp"

#include <algorithm>
#include <utility>

namespace sluice::control {

SplitQueue::SplitQueue(std::vector<Span> pieces, std::uint64_t batch_size,
                       std::uint64_t most_records)
    : pieces_(std::move(pieces)),
      batch_size_(batch_size),
      most_records_(std::max(most_records, batch_size)) {
  for (const auto& piece : pieces_) {
    places_.push_back(places_.size());
    left_ += piece.count;
  }
}

void SplitQueue::give_back(std::uint64_t piece, Span records) {
  pieces_.push_back(records);
  places_.push_back(piece);
  left_ += records.count;
}

std::optional<SplitQueue::Split> SplitQueue::take(Rank rank, std::uint64_t workers) {
  if (empty()) return std::nullopt;
  const auto index = piece_for(rank);
  current_[rank] = index;
  auto& piece = pieces_[index];
  const Span records{piece.first, std::min(size_for(workers), piece.count)};
  piece = {records.end(), piece.count - records.count};
  left_ -= records.count;
  if (piece.count == 0) begun_.erase(index);
  return Split{places_[index], records};
}

std::size_t SplitQueue::piece_for(Rank rank) {
  const auto current = current_.find(rank);
  if (current != current_.end() && begun_.contains(current->second)) return current->second;
  for (; untouched_ < pieces_.size(); ++untouched_) {
    if (pieces_[untouched_].count == 0) continue;
    begun_.insert(untouched_);
    return untouched_++;
  }
  return *std::max_element(begun_.begin(), begun_.end(),
                           [this](auto a, auto b) { return pieces_[a].count < pieces_[b].count; });
}

std::uint64_t SplitQueue::size_for(std::uint64_t workers) const {
  const auto share = left_ / (8 * std::max<std::uint64_t>(1, workers));
  const auto size = std::clamp(share, batch_size_, most_records_);
  return size - size % batch_size_;
}

}  // namespace sluice::control
