#include <sluice/encoded_batch.hpp>

#include <algorithm>

namespace sluice {
namespace {

// A guess that is wrong wastes no more than this.
constexpr std::size_t most_reserved = std::size_t{1} << 20;

}  // namespace

RecordPath RecordPath::child(std::uint32_t number) const {
  std::string bytes(view());
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return {bytes};
}

void EncodedBatch::attach(Buffer buffer) {
  buffer_bytes_ += buffer.size();
  buffers_.push_back(std::move(buffer));
}

void EncodedBatch::expect_alike(std::size_t records) {
  bytes_.reserve(std::min(bytes_.size() * records, most_reserved));
}

void EncodedBatch::append(const EncodedBatch& other) {
  const auto bytes_before = bytes_.size();
  const auto buffers_before = buffers_.size();
  entries_.reserve(entries_.size() + other.size());
  for (const auto& entry : other.entries_) {
    entries_.push_back(
        {entry.id, entry.bytes_end + bytes_before, entry.buffers_end + buffers_before});
  }
  bytes_ += other.bytes_;
  buffers_.insert(buffers_.end(), other.buffers_.begin(), other.buffers_.end());
  buffer_bytes_ += other.buffer_bytes_;
}

EncodedBatch EncodedBatch::slice(std::size_t first, std::size_t count) const {
  EncodedBatch part;
  part.entries_.reserve(count);
  for (std::size_t i = first; i < first + count; ++i) {
    part.bytes_ += record_bytes(i);
    for (const auto& buffer : record_buffers(i)) part.attach(buffer);
    part.end_record(entries_[i].id);
  }
  return part;
}

}  // namespace sluice
