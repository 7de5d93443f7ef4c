#include "transport/envelope.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cstring>

namespace sluice::transport {
namespace {

// In the machine's own byte order: every rank of a run has the same.
struct Tail {
  std::uint32_t run;
  std::uint32_t piece_bytes;
  std::uint32_t buffers;
};

constexpr std::uint32_t wrapped_bit = 1U << 31;

}  // namespace

void close_envelope(std::string& bytes, const Seal& seal) {
  const std::size_t sizes_bytes = seal.buffer_sizes.size() * sizeof(std::uint64_t);
  auto buffers = static_cast<std::uint32_t>(seal.buffer_sizes.size());
  if (seal.wrapped) buffers |= wrapped_bit;
  const Tail tail{seal.run, seal.piece_bytes, buffers};
  bytes.reserve(bytes.size() + sizes_bytes + sizeof(Tail));
  bytes.append(reinterpret_cast<const char*>(seal.buffer_sizes.data()), sizes_bytes);
  bytes.append(reinterpret_cast<const char*>(&tail), sizeof(Tail));
}

Seal open_envelope(std::string& bytes) {
  const std::size_t length = bytes.size();
  Tail tail{};
  if (length >= sizeof(Tail)) {
    std::memcpy(&tail, bytes.data() + length - sizeof(Tail), sizeof(Tail));
  }
  const std::size_t count = tail.buffers & ~wrapped_bit;
  const std::size_t sizes_bytes = count * sizeof(std::uint64_t);
  if (length < sizeof(Tail) + sizes_bytes) {
    throw InvariantError(fmt::format(
        "a message of {} bytes arrived with no valid seal (it claims {} buffers)", length, count));
  }
  Seal seal{tail.run, tail.piece_bytes, (tail.buffers & wrapped_bit) != 0, {}};
  seal.buffer_sizes.resize(count);
  const std::size_t body = length - sizeof(Tail) - sizes_bytes;
  if (count > 0) std::memcpy(seal.buffer_sizes.data(), bytes.data() + body, sizes_bytes);
  bytes.resize(body);
  return seal;
}

}  // namespace sluice::transport
