#pragma once

#include "transport/death_watch.hpp"
#include "transport/doorbell.hpp"
#include "transport/transport.hpp"

#include <mpi.h>

#include <vector>

namespace sluice::transport {

int rank_in(MPI_Comm comm);
int size_of(MPI_Comm comm);

/// Which ranks share a node, and the doorbells and arenas of those on this one. Between nodes there
/// are none: ranks there look for messages by themselves, so that no port has to be opened.
class MpiNodes {
 public:
  /// Collective.
  explicit MpiNodes(MPI_Comm world);

  int node_of(Rank rank) const { return node_of_.at(static_cast<std::size_t>(rank)); }
  int nodes() const noexcept { return nodes_; }
  /// How many ranks this node has.
  int ranks_here() const noexcept { return ranks_here_; }

  Doorbell& own_bell() const noexcept { return *own_bell_; }
  /// The rank's doorbell if it is on this node, else null.
  Doorbell* bell_of(Rank rank) const noexcept;

  /// The other ranks of this node that have died since the last call.
  std::vector<Rank> look_for_dead() { return watch_.look(); }

  /// Whether the ranks of this node can read each other's arenas, so that buffers may be lent.
  bool share_arenas() const noexcept { return share_arenas_; }

 private:
  void number_nodes(MPI_Comm world, Rank leader);
  void share_bells(MPI_Comm world, MPI_Comm node);
  void watch_each_other(MPI_Comm node, Rank rank);
  void exchange_arenas(MPI_Comm node);

  std::vector<int> node_of_;
  std::vector<int> bell_of_;  ///< place in bells_, or -1 on another node
  int nodes_ = 0;
  int ranks_here_ = 0;
  bool share_arenas_ = false;
  DoorbellRow bells_;
  Doorbell* own_bell_ = nullptr;
  DeathWatch watch_;
};

}  // namespace sluice::transport
