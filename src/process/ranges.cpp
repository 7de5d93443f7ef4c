#include "process/ranges.hpp"

namespace sluice::process {

std::optional<std::uint64_t> Ranges::take(std::uint64_t batch, std::uint64_t length) {
  if (length > limit_) return std::nullopt;
  const auto rounded = (length + 63) / 64 * 64;
  std::uint64_t begin = 0;
  for (const auto& [taken, end] : ends_) {
    if (taken - begin >= rounded) break;
    begin = end;
  }
  if (begin > limit_ || length > limit_ - begin) return std::nullopt;
  ends_.emplace(begin, begin + rounded);
  of_batch_.emplace(batch, begin);
  return begin;
}

bool Ranges::give_back(std::uint64_t batch) {
  const auto found = of_batch_.find(batch);
  if (found == of_batch_.end()) return false;
  ends_.erase(found->second);
  of_batch_.erase(found);
  return true;
}

}  // namespace sluice::process
