#include "store/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::store {

std::uint64_t checksum(const void* data, std::size_t size, std::uint64_t seed) {
  return XXH3_64bits_withSeed(data, size, seed);
}

}  // namespace sluice::store
