#pragma once

#include "control/spread.hpp"
#include "runtime/protocol.hpp"

#include <sluice/artifact.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::runtime {

/// The coordinator's part in bringing artifacts to all nodes: it asks what is where, says which way
/// they go, and hears when all are there. Their bytes go from rank to rank.
class ArtifactSpread {
 public:
  using Send = std::function<void(control::Rank, Packet)>;
  /// Begins at once.
  ArtifactSpread(std::vector<Artifact> artifacts, const std::vector<int>& node_of_rank, Send send);

  /// True if the packet was an answer to one of its own.
  bool took(const Packet& packet, control::Rank from);
  /// These have died. Throws Error if they had a part.
  void require_alive(const std::vector<control::Rank>& dead) const;

  bool done() const noexcept { return done_; }
  std::string summary(double seconds) const;

 private:
  void on(const ArtifactNames& names);
  void on(const LackedArtifacts& lacked, control::Rank from);
  void on(const ArtifactsPlaced& placed, control::Rank from);

  std::vector<Artifact> artifacts_;
  control::Spread spread_;
  Send send_;
  ArtifactsPlaced moved_;
  bool done_ = false;
};

}  // namespace sluice::runtime
