#pragma once

#include "store/file_store.hpp"
#include "store/run_owner.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::store {

/// Says in a store which run works on what is there: the one that claimed it last. One that finds
/// another's claim has been replaced, and must stop before it commits or removes anything. That
/// fences off a coordinator that was taken for dead, and two runs that share a store unawares.
class StoreClaim {
 public:
  /// Claims it. Throws UsageError if another run does so at the same time, IoError and InputError.
  explicit StoreClaim(FileStore& files);

  /// Of the run, and nobody else's: the number of the claim, and its token: "3-5f3c9d01"
  std::string attempt() const;

  /// Throws UsageError, naming the other run, if this one has been replaced.
  void check() const;

 private:
  FileStore* files_;
  std::uint64_t number_ = 0;
  RunOwner owner_;
};

/// Who claimed the store last; nothing if nobody did, or that cannot be told.
std::optional<RunOwner> claimant(FileStore& files);

}  // namespace sluice::store
