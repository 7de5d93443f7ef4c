#pragma once

#include "control/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::control {

/// Which of the batches that wait for a worker are copied to its device, and when: in the order in
/// which they came, ahead of time, as long as what is on the device for the worker stays within a
/// budget and not too many copies are under way. The batch that the worker is about to process
/// comes first, whatever the budget says: it must get there. Pure; a batch is named by its id,
/// once.
class Prefetch {
 public:
  struct Limits {
    std::uint64_t bytes = 0;  ///< on the device, of all batches but the one that is wanted
    std::size_t at_once = 2;  ///< copies under way
  };

  explicit Prefetch(const Limits& limits) : limits_(limits) {}

  /// A batch waits.
  void expect(BatchId batch, std::uint64_t bytes);
  /// The worker can do nothing before it has it.
  void want(BatchId batch, std::uint64_t bytes);
  /// The device has no room for it, though the budget has. It waits again, and nothing but what is
  /// wanted is begun before room has been made.
  void postponed(BatchId batch);
  /// It is on the device.
  void copied(BatchId batch);
  /// The worker is done with it, or nobody wants it any more: its room is free.
  void gone(BatchId batch);

  /// The batches to begin to copy now, in this order. Each is named once.
  std::vector<BatchId> start();

  bool knows(BatchId batch) const { return batches_.contains(batch); }
  bool is_copied(BatchId batch) const;
  bool is_wanted(BatchId batch) const { return batches_.at(batch).wanted; }
  const Limits& limits() const { return limits_; }
  /// Being copied, or copied.
  std::uint64_t bytes_on_device() const { return bytes_; }
  std::size_t under_way() const { return under_way_; }

 private:
  enum class State { waiting, copying, copied };
  struct Batch {
    std::uint64_t bytes = 0;
    State state = State::waiting;
    bool wanted = false;
    std::uint64_t order = 0;
  };

  bool may_start(const Batch& batch) const;
  void add(BatchId batch, std::uint64_t bytes);

  Limits limits_;
  std::map<BatchId, Batch> batches_;
  std::uint64_t bytes_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t next_order_ = 0;
  bool full_ = false;  ///< the device, until a batch is gone
};

}  // namespace sluice::control
