#include "control/channel_paths.hpp"

#include <vector>

namespace sluice::control {
namespace {

// The first GPU of each rank, with its node.
std::vector<End> ends(const StagePlan& stage, std::uint64_t first_process) {
  std::vector<End> result;
  for (const auto& share : stage.shares) {
    if (share.ranks == 0 || share.gpus.empty()) continue;
    const auto each = share.gpus.size() / share.ranks;
    for (std::uint64_t rank = 0; rank < share.ranks; ++rank) {
      result.push_back({first_process++, share.node, share.gpus.at(rank * each).gpu, true});
    }
  }
  return result;
}

}  // namespace

std::map<Path, std::uint64_t> channel_paths(const StagePlan& producers, const StagePlan& consumers,
                                            const Means& means, Wish wish) {
  std::map<Path, std::uint64_t> counts;
  const auto from = ends(producers, 0);
  for (const auto& producer : from) {
    for (const auto& consumer : ends(consumers, from.size())) {
      ++counts[choose_path(producer, consumer, means, wish)];
    }
  }
  return counts;
}

}  // namespace sluice::control
