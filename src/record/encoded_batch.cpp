#include <sluice/codec.hpp>
#include <sluice/encoded_batch.hpp>

#include <fmt/format.h>

namespace sluice {

std::string_view EncodedBatch::record_bytes(std::size_t i) const {
  const auto begin = i == 0 ? 0 : entries_[i - 1].bytes_end;
  return std::string_view(bytes_).substr(begin, entries_[i].bytes_end - begin);
}

std::span<const Buffer> EncodedBatch::record_buffers(std::size_t i) const {
  const auto begin = i == 0 ? 0 : entries_[i - 1].buffers_end;
  return std::span(buffers_).subspan(begin, entries_[i].buffers_end - begin);
}

void EncodedBatch::attach(Buffer buffer) {
  buffer_bytes_ += buffer.size();
  buffers_.push_back(std::move(buffer));
}

void EncodedBatch::end_record(RecordId id) {
  entries_.push_back({std::move(id), bytes_.size(), buffers_.size()});
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

void EncodedBatch::pack(std::string& out) const {
  out.reserve(out.size() + bytes_.size() + 6 * entries_.size() + 16);
  Encoder encoder(out);
  encoder.write_size(entries_.size());
  std::uint64_t bytes_end = 0;
  std::uint64_t buffers_end = 0;
  for (const auto& entry : entries_) {
    encoder.write_size(entry.id.origin);
    encoder.write_size(entry.id.path.size());
    encoder.write(entry.id.path.data(), entry.id.path.size());
    encoder.write_size(entry.bytes_end - bytes_end);
    encoder.write_size(entry.buffers_end - buffers_end);
    bytes_end = entry.bytes_end;
    buffers_end = entry.buffers_end;
  }
  encoder.write(bytes_.data(), bytes_.size());
}

EncodedBatch EncodedBatch::unpack(std::string_view packed, std::vector<Buffer> buffers) {
  Decoder decoder(packed);
  EncodedBatch batch;
  const auto count = decoder.read_size();
  if (count > packed.size()) throw DecodeError("a batch claims more records than it has bytes");
  batch.entries_.reserve(count);
  std::uint64_t bytes_end = 0;
  std::uint64_t buffers_end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    RecordId id;
    id.origin = decoder.read_size();
    id.path = std::string(decoder.read_view(decoder.read_size()));
    bytes_end += decoder.read_size();
    buffers_end += decoder.read_size();
    batch.entries_.push_back({std::move(id), bytes_end, buffers_end});
  }
  batch.bytes_ = std::string(decoder.read_view(bytes_end));
  decoder.finish();
  if (buffers.size() != buffers_end) {
    throw DecodeError(
        fmt::format("a batch with {} buffers arrived with {}", buffers_end, buffers.size()));
  }
  for (auto& buffer : buffers) batch.attach(std::move(buffer));
  return batch;
}

}  // namespace sluice
