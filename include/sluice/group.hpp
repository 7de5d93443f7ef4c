#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

enum class Reduce { sum, min, max };

/// The ranks that run one worker of a stage with `spmd` above 1, seen from one of them
/// (docs/groups.md). Every rank of the group gets every batch; what the first one, the primary,
/// makes of it counts.
///
/// The operations are collective: every rank of the group calls the same ones in the same order, in
/// `setup`, `process` or `teardown`, from the thread that was called. A rank that cannot go on
/// throws; the others then get an exception from the operation that they are in, or come to, and
/// must let it pass. So does who waits for a rank that has returned already.
class Group {
 public:
  virtual ~Group() = default;
  Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  virtual int rank() const noexcept = 0;  ///< in the group; the primary is 0
  virtual int size() const noexcept = 0;
  /// Among those of the group on this node.
  virtual int local_rank() const noexcept = 0;
  virtual int local_size() const noexcept = 0;
  /// Where the ranks may meet by means of their own: an address of the primary's node, and a port
  /// that was free there when the group was set up; another one each time.
  virtual std::string master_address() const = 0;
  virtual int master_port() const = 0;

  void barrier();
  /// What `root` gives, for all.
  std::string broadcast(std::string bytes, int root = 0);
  /// What each gives, in the order of their ranks.
  std::vector<std::string> allgather(std::string bytes);
  /// Sums, least or largest values, place by place; all must give as many. Every rank gets the same
  /// numbers to the last bit.
  std::vector<double> allreduce(std::vector<double> values, Reduce how = Reduce::sum);

  /// Throws if another rank of the group has failed in this call: for one that is busy with other
  /// things than the operations above.
  virtual void check() = 0;

  /// Collective. Calls `body` with a pointer to an MPI_Comm over these ranks, for a program that
  /// includes mpi.h itself. MPI may be called within `body` and nowhere else, and not for long: no
  /// other message moves meanwhile, and a rank that dies leaves the others in it until the watchdog
  /// ends the run. Throws UsageError where ranks are threads.
  virtual void with_mpi(const std::function<void(void* communicator)>& body) = 0;

  /// One rank by itself, as in debug mode.
  static std::shared_ptr<Group> alone();

 protected:
  using Combine = std::function<std::string(std::vector<std::string>)>;
  /// What `combine` makes, on the primary, of what each rank gives; for all. All must ask for the
  /// same thing, which `what` describes.
  virtual std::string through_primary(const std::string& what, std::string bytes,
                                      const Combine& combine) = 0;
};

}  // namespace sluice
