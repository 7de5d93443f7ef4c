#pragma once

#include "runtime/protocol.hpp"
#include "store/artifact_place.hpp"
#include "store/artifact_reader.hpp"
#include "transport/transport.hpp"

#include <sluice/artifact.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::runtime {

/// A worker rank's part in spreading artifacts, before the run begins (control/spread.hpp): it says
/// what its node lacks, reads the sources if it is the first, writes what comes, and passes it on.
/// Some pieces at most are under way from a rank to the next: more are not sent until those are
/// written, so memory stays bounded, and the slowest node sets the pace.
class ArtifactCourier {
 public:
  /// `alive` is called in an absence, between parts of what takes long.
  ArtifactCourier(transport::Transport& transport, std::vector<Artifact> artifacts,
                  std::function<void()> alive);
  ~ArtifactCourier();

  void on(const NameArtifacts& order);
  void on(const LookForArtifacts& order);
  void on(const SpreadArtifacts& order);
  void on(ArtifactPart part);
  void on(const ArtifactPartTaken& taken);

  /// Handles a piece, if there is one that can be handled now.
  bool step();

 private:
  struct Stop;  ///< this rank's place in an artifact's chain

  void read_piece();
  void take_piece(ArtifactPart part);
  void write(const ArtifactPart& part);
  void finish_if_done();
  bool has_room(std::size_t artifact) const;

  transport::Transport& transport_;
  std::vector<Artifact> artifacts_;
  std::function<void()> alive_;
  std::vector<Stop> stops_;
  std::vector<std::unique_ptr<store::ArtifactReader>> readers_;  ///< on the rank that reads
  std::deque<std::size_t> to_read_;
  bool knows_ways_ = false;
  std::deque<ArtifactPart> arrived_;  ///< the first may overtake the word on the ways
  std::size_t under_way_ = 0;         ///< pieces sent that are not taken yet
  std::size_t unfinished_ = 0;
  ArtifactsPlaced done_;
  bool said_ = false;  ///< that its part is done
};

}  // namespace sluice::runtime
