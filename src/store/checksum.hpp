#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::store {

/// XXH3, 64 bits. `seed` chains several pieces: the checksum of what came before.
std::uint64_t checksum(const void* data, std::size_t size, std::uint64_t seed = 0);

inline std::uint64_t checksum(std::string_view bytes, std::uint64_t seed = 0) {
  return checksum(bytes.data(), bytes.size(), seed);
}

}  // namespace sluice::store
