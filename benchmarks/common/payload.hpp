#pragma once

#include <sluice/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace sluice::bench {

inline constexpr std::size_t large_bytes = std::size_t{1} << 20;
inline constexpr std::size_t page_bytes = 4096;

/// Writes the number at the start of every page, so that the memory is really there and each
/// message differs, at next to no cost. What lies between stays as it was.
inline void stamp(std::byte* data, std::size_t size, std::uint64_t number) {
  for (std::size_t at = 0; at + sizeof number <= size; at += page_bytes) {
    std::memcpy(data + at, &number, sizeof number);
  }
}

/// Throws unless the last page bears the number.
inline void check_stamp(const std::byte* data, std::size_t size, std::uint64_t number) {
  std::uint64_t found = 0;
  std::memcpy(&found, data + (size - sizeof found) / page_bytes * page_bytes, sizeof found);
  if (found != number) throw std::runtime_error("a message arrived with another's bytes");
}

/// A record with a large payload.
struct Blob {
  std::uint64_t number = 0;
  Buffer bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, bytes);
  }
};

inline Blob make_blob(std::uint64_t number) {
  Blob blob{number, Buffer(large_bytes)};
  stamp(blob.bytes.mutable_data(), large_bytes, number);
  return blob;
}

}  // namespace sluice::bench
