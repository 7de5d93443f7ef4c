#include "transport/envelope.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cstring>

namespace sluice::transport {
namespace {

// In the machine's own byte order: every rank of a run has the same.
struct Tail {
  std::uint32_t run;
  std::uint32_t number;
  std::uint32_t piece_bytes;
  std::uint32_t buffers;
};

constexpr std::uint32_t wrapped_bit = 1U << 31;

}  // namespace

void close_envelope(std::string& bytes, const Seal& seal) {
  const std::size_t list_bytes = seal.attachments.size() * sizeof(Attachment);
  auto buffers = static_cast<std::uint32_t>(seal.attachments.size());
  if (seal.wrapped) buffers |= wrapped_bit;
  const Tail tail{seal.run, seal.number, seal.piece_bytes, buffers};
  bytes.reserve(bytes.size() + list_bytes + sizeof(Tail));
  bytes.append(reinterpret_cast<const char*>(seal.attachments.data()), list_bytes);
  bytes.append(reinterpret_cast<const char*>(&tail), sizeof(Tail));
}

Seal open_envelope(std::string& bytes) {
  const std::size_t length = bytes.size();
  Tail tail{};
  if (length >= sizeof(Tail)) {
    std::memcpy(&tail, bytes.data() + length - sizeof(Tail), sizeof(Tail));
  }
  const std::size_t count = tail.buffers & ~wrapped_bit;
  const std::size_t list_bytes = count * sizeof(Attachment);
  if (length < sizeof(Tail) + list_bytes) {
    throw InvariantError(fmt::format(
        "a message of {} bytes arrived with no valid seal (it claims {} buffers)", length, count));
  }
  Seal seal{tail.run, tail.number, tail.piece_bytes, (tail.buffers & wrapped_bit) != 0, {}};
  seal.attachments.resize(count);
  const std::size_t body = length - sizeof(Tail) - list_bytes;
  if (count > 0) std::memcpy(seal.attachments.data(), bytes.data() + body, list_bytes);
  bytes.resize(body);
  return seal;
}

}  // namespace sluice::transport
