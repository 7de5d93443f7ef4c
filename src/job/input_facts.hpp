#pragma once

#include <cstdint>
#include <string>

namespace sluice::job {

/// The input before a shard was cut out of it, so that shards of different inputs can be told.
struct InputFacts {
  std::uint64_t records = 0;
  std::string digest;  ///< of all keys in their order: 16 hexadecimal digits

  bool operator==(const InputFacts&) const = default;
};

}  // namespace sluice::job
