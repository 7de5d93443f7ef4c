#include "transport/mpi_nodes.hpp"

#include <sluice/error.hpp>

#include "record/lending.hpp"
#include "transport/mpi_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::transport {
namespace {

// SLUICE_LEND=0 makes ranks of a node copy what they send, as ranks of two nodes must.
bool may_lend() {
  const char* value = std::getenv("SLUICE_LEND");
  return value == nullptr || std::string_view(value) != "0";
}

// SLUICE_SIMULATED_NODE gives ranks of one machine different numbers, as if they were on so many
// nodes: for tests, and to try out what runs of several nodes do.
int simulated_node() {
  const char* value = std::getenv("SLUICE_SIMULATED_NODE");
  return value == nullptr ? 0 : std::max(0, std::atoi(value));
}

// Returns the lowest rank of the node, and leaves its ranks in `comm`, which has the machine's. All
// of those see the same numbers, so that they agree on whether there is something to split.
Rank agree_on_node(MPI_Comm& comm, Rank rank) {
  struct Place {
    int node;
    Rank rank;
  };
  const Place mine{simulated_node(), rank};
  std::vector<Place> all(static_cast<std::size_t>(size_of(comm)));
  check_mpi(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, comm),
            "MPI_Allgather");
  const auto is_here = [&](const Place& place) { return place.node == mine.node; };
  if (!std::all_of(all.begin(), all.end(), is_here)) {
    MPI_Comm machine = std::exchange(comm, MPI_COMM_NULL);
    check_mpi(MPI_Comm_split(machine, mine.node, rank, &comm), "MPI_Comm_split");
    check_mpi(MPI_Comm_free(&machine), "MPI_Comm_free");
  }
  return std::find_if(all.begin(), all.end(), is_here)->rank;
}

void broadcast(std::string& text, MPI_Comm comm) {
  int length = static_cast<int>(text.size());
  check_mpi(MPI_Bcast(&length, 1, MPI_INT, 0, comm), "MPI_Bcast");
  text.resize(static_cast<std::size_t>(length));
  check_mpi(MPI_Bcast(text.data(), length, MPI_CHAR, 0, comm), "MPI_Bcast");
}

}  // namespace

int rank_in(MPI_Comm comm) {
  int rank = 0;
  check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 0;
  check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  return size;
}

MpiNodes::MpiNodes(MPI_Comm world) {
  const int rank = rank_in(world);
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  const Rank leader = agree_on_node(node, rank);
  ranks_here_ = size_of(node);
  number_nodes(world, leader);
  share_bells(world, node);
  watch_each_other(node, rank);
  exchange_arenas(node);
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
}

// Nodes are numbered by their lowest rank, their leader.
void MpiNodes::number_nodes(MPI_Comm world, Rank leader) {
  std::vector<int> leaders(static_cast<std::size_t>(size_of(world)));
  check_mpi(MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, world), "MPI_Allgather");
  std::map<int, int> numbers;
  for (const int each : leaders) {
    numbers.try_emplace(each, static_cast<int>(numbers.size()));
    node_of_.push_back(numbers.at(each));
  }
  nodes_ = static_cast<int>(numbers.size());
  int bells = 0;
  for (const int each : leaders) bell_of_.push_back(each == leader ? bells++ : -1);
}

// All ranks learn whether every one of them has the memory, so that none is left waiting for one
// that gave up.
void MpiNodes::share_bells(MPI_Comm world, MPI_Comm node) {
  const auto count = static_cast<std::size_t>(ranks_here_);
  const bool leads = rank_in(node) == 0;
  std::string name;
  std::string trouble;
  try {
    if (leads) bells_ = DoorbellRow::create(count);
    name = bells_.name();
  } catch (const LaunchError& error) {
    trouble = error.what();
  }
  broadcast(name, node);
  try {
    if (!leads && !name.empty()) bells_ = DoorbellRow::attach(name, count);
  } catch (const LaunchError& error) {
    trouble = error.what();
  }
  const int mine = name.empty() || !trouble.empty() ? 0 : 1;
  int all = 0;
  check_mpi(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, world), "MPI_Allreduce");
  if (leads && !name.empty()) bells_.withdraw_name();
  if (all == 0) {
    throw LaunchError(trouble.empty() ? "another rank's node has no shared memory" : trouble);
  }
  own_bell_ = bells_.bell(static_cast<std::size_t>(rank_in(node)));
}

void MpiNodes::watch_each_other(MPI_Comm node, Rank rank) {
  const auto mine = ProcessAddress::own();
  std::vector<ProcessAddress> all(static_cast<std::size_t>(ranks_here_));
  check_mpi(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, node),
            "MPI_Allgather");
  for (std::size_t peer = 0; peer < bell_of_.size(); ++peer) {
    const int place = bell_of_[peer];
    const auto other = static_cast<Rank>(peer);
    if (place >= 0 && other != rank) watch_.add(other, all[static_cast<std::size_t>(place)]);
  }
}

// All or none: a rank passes on what it borrowed, and whoever gets it must have that arena too.
void MpiNodes::exchange_arenas(MPI_Comm node) {
  if (ranks_here_ == 1) return;
  const auto own = may_lend() ? own_arena() : std::nullopt;
  const auto mine = own.value_or(ArenaAddress{});
  std::vector<ArenaAddress> all(static_cast<std::size_t>(ranks_here_));
  check_mpi(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, node),
            "MPI_Allgather");
  const int here = rank_in(node);
  int attached = own ? 1 : 0;
  for (int peer = 0; peer < ranks_here_ && attached == 1; ++peer) {
    const auto& address = all[static_cast<std::size_t>(peer)];
    if (peer == here) continue;
    attached = address.bytes > 0 && attach_arena(static_cast<std::uint32_t>(peer), address) ? 1 : 0;
  }
  int everywhere = 0;
  check_mpi(MPI_Allreduce(&attached, &everywhere, 1, MPI_INT, MPI_MIN, node), "MPI_Allreduce");
  share_arenas_ = everywhere == 1;
  if (share_arenas_) set_own_number(static_cast<std::uint32_t>(here));
}

Doorbell* MpiNodes::bell_of(Rank rank) const noexcept {
  const int bell = bell_of_[static_cast<std::size_t>(rank)];
  return bell < 0 ? nullptr : bells_.bell(static_cast<std::size_t>(bell));
}

}  // namespace sluice::transport
