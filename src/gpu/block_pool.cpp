#include "gpu/block_pool.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::gpu {

std::size_t BlockPool::capacity_for(std::size_t size) noexcept {
  constexpr std::size_t least = 4096;
  constexpr std::size_t steps = 8;  // capacities in each power of two
  if (size <= least) return least;
  const auto step = std::max(std::bit_floor(size - 1) / steps, std::size_t{1});
  return (size + step - 1) / step * step;
}

std::optional<BlockPool::Block> BlockPool::take(std::size_t capacity) {
  const auto it = free_.find(capacity);
  if (it == free_.end() || it->second.empty()) return std::nullopt;
  const auto block = it->second.back();
  it->second.pop_back();
  free_bytes_ -= capacity;
  return block;
}

void BlockPool::give(Block block) {
  free_bytes_ += block.capacity;
  free_[block.capacity].push_back(block);
}

std::vector<BlockPool::Block> BlockPool::take_all() {
  std::vector<Block> blocks;
  for (auto& [capacity, list] : free_) {
    const auto kept =
        std::partition(list.begin(), list.end(), [](const Block& block) { return block.shared; });
    blocks.insert(blocks.end(), kept, list.end());
    list.erase(kept, list.end());
  }
  for (const auto& block : blocks) free_bytes_ -= block.capacity;
  return blocks;
}

}  // namespace sluice::gpu
