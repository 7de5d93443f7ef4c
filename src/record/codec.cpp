#include <sluice/codec.hpp>

#include <fmt/format.h>

#include <array>

namespace sluice {
namespace {

// A buffer is written as its size, shifted left by one; the low bit says that it is attached.
constexpr std::uint64_t attached_bit = 1;

}  // namespace

void Encoder::write_size(std::uint64_t size) {
  std::array<char, 10> digits;
  std::size_t count = 0;
  for (; size >= 0x80; size >>= 7) digits[count++] = static_cast<char>((size & 0x7f) | 0x80);
  digits[count++] = static_cast<char>(size);
  bytes_.append(digits.data(), count);
}

void Encoder::write_buffer(const Buffer& buffer) {
  const bool attached = batch_ != nullptr && buffer.size() >= attach_threshold;
  write_size(buffer.size() << 1 | (attached ? attached_bit : 0));
  if (attached) {
    batch_->attach(buffer);
  } else {
    const auto here = buffer.to_host();
    write(here.data(), here.size());
  }
}

std::uint64_t Decoder::read_size() {
  std::uint64_t size = 0;
  std::size_t at = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at == bytes_.size()) throw_truncated(at + 1);
    const auto byte = static_cast<std::uint8_t>(bytes_[at++]);
    size |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    bytes_.remove_prefix(at);
    return size;
  }
  throw DecodeError("a size field is longer than 64 bits");
}

std::uint64_t Decoder::read_count(std::size_t bytes) {
  const auto count = read_size();
  if (count > bytes_.size() / bytes) throw_too_many(count);
  return count;
}

std::string_view Decoder::read_view(std::size_t size) {
  if (size > bytes_.size()) throw_truncated(size);
  const auto view = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return view;
}

Buffer Decoder::read_buffer() {
  const auto tag = read_size();
  const auto size = tag >> 1;
  if ((tag & attached_bit) == 0) return Buffer::copy_of(read_view(size));
  if (buffers_.empty() || buffers_.front().size() != size) {
    throw DecodeError(fmt::format("an attached buffer of {} bytes is missing", size));
  }
  Buffer buffer = buffers_.front();
  buffers_ = buffers_.subspan(1);
  return buffer;
}

void Decoder::throw_left_over() const {
  throw DecodeError(fmt::format("{} bytes and {} buffers were left over after reading the record",
                                bytes_.size(), buffers_.size()));
}

void Decoder::throw_too_many(std::uint64_t count) const {
  throw DecodeError(
      fmt::format("{} elements were expected where only {} bytes are left", count, bytes_.size()));
}

void Decoder::throw_truncated(std::size_t wanted) const {
  throw DecodeError(
      fmt::format("{} bytes were expected where only {} are left", wanted, bytes_.size()));
}

}  // namespace sluice
