#include "runtime/artifact_spread.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {

using control::Rank;

ArtifactSpread::ArtifactSpread(std::vector<Artifact> artifacts,
                               const std::vector<int>& node_of_rank, Send send)
    : artifacts_(std::move(artifacts)),
      spread_(artifacts_.size(), node_of_rank),
      send_(std::move(send)) {
  send_(spread_.reader(), NameArtifacts{});
}

bool ArtifactSpread::took(const Packet& packet, Rank from) {
  if (const auto* names = std::get_if<ArtifactNames>(&packet)) {
    on(*names);
  } else if (const auto* lacked = std::get_if<LackedArtifacts>(&packet)) {
    on(*lacked, from);
  } else if (const auto* placed = std::get_if<ArtifactsPlaced>(&packet)) {
    on(*placed, from);
  } else {
    return false;
  }
  return true;
}

void ArtifactSpread::on(const ArtifactNames& names) {
  for (const Rank leader : spread_.leaders()) send_(leader, LookForArtifacts{names.keys});
}

void ArtifactSpread::on(const LackedArtifacts& lacked, Rank from) {
  if (!spread_.lacks(from, {lacked.artifacts.begin(), lacked.artifacts.end()})) return;
  for (const Rank leader : spread_.leaders()) send_(leader, SpreadArtifacts{spread_.chains()});
}

void ArtifactSpread::on(const ArtifactsPlaced& placed, Rank from) {
  moved_.bytes_read += placed.bytes_read;
  moved_.bytes_written += placed.bytes_written;
  done_ = spread_.placed(from);
}

void ArtifactSpread::require_alive(const std::vector<Rank>& dead) const {
  const auto& leaders = spread_.leaders();
  for (const Rank rank : dead) {
    if (std::find(leaders.begin(), leaders.end(), rank) == leaders.end()) continue;
    throw Error(ExitCode::lost,
                fmt::format("rank {} died while it brought artifacts to its node; nothing was "
                            "begun: start the run again",
                            rank));
  }
}

std::string ArtifactSpread::summary(double seconds) const {
  const auto& chains = spread_.chains();
  const auto fetched =
      std::count_if(chains.begin(), chains.end(), [](const auto& chain) { return !chain.empty(); });
  return fmt::format(
      "artifacts: {} of {} fetched, {} bytes read and {} written on {} nodes, after {:.2f} s",
      fetched, artifacts_.size(), moved_.bytes_read, moved_.bytes_written, spread_.leaders().size(),
      seconds);
}

}  // namespace sluice::runtime
