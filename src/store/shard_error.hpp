#pragma once

#include <sluice/error.hpp>

namespace sluice::store {

/// A shard or a manifest is damaged, or not what it should be; names the file and, if it is about
/// one, the record (its place in the shard, from 0).
struct ShardError : InputError {
  using InputError::InputError;
};

}  // namespace sluice::store
