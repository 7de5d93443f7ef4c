#include <sluice/codec.hpp>
#include <sluice/encoded_batch.hpp>

#include <fmt/format.h>

#include <algorithm>

// What is alike in neighbouring records is said once: mostly they follow each other in the input,
// and often they have the same size.
namespace sluice {
namespace {

// Records of one run share their path, each with a copy: all copies may take so much, and as much
// again as the batch several times.
constexpr std::uint64_t usual_path_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t path_bytes_a_byte = 64;

// How many records from `first` on have consecutive origins and the same path.
std::size_t run_of_ids(const EncodedBatch& batch, std::size_t first) {
  const auto& start = batch.id(first);
  std::size_t count = 1;
  while (first + count < batch.size() && batch.id(first + count).origin == start.origin + count &&
         batch.id(first + count).path == start.path) {
    ++count;
  }
  return count;
}

bool same_sizes(const EncodedBatch& batch, std::size_t a, std::size_t b) {
  return batch.record_bytes(a).size() == batch.record_bytes(b).size() &&
         batch.record_buffers(a).size() == batch.record_buffers(b).size();
}

std::size_t run_of_sizes(const EncodedBatch& batch, std::size_t first) {
  std::size_t end = first + 1;
  while (end < batch.size() && same_sizes(batch, first, end)) ++end;
  return end - first;
}

// A run cannot be empty, or go on after the last record.
std::size_t read_run(Decoder& decoder, std::uint64_t left) {
  const auto count = decoder.read_size();
  if (count == 0 || count > left) {
    throw DecodeError(
        fmt::format("a batch has a run of {} records where {} are left", count, left));
  }
  return count;
}

// Throws DecodeError if `count` times `each` is more than the room that is left.
void take_from(std::uint64_t& room, std::uint64_t count, std::uint64_t each) {
  if (each > 0 && count > room / each) {
    throw DecodeError(fmt::format("a batch claims {} records with {} bytes each where it has {}",
                                  count, each, room));
  }
  room -= count * each;
}

std::uint64_t read_count(Decoder& decoder) {
  const auto count = decoder.read_size();
  if (count > decoder.rest().size()) decoder.require_few(count);
  return count;
}

}  // namespace

void EncodedBatch::pack(std::string& out) const {
  out.reserve(out.size() + bytes_.size() + 64);
  Encoder encoder(out);
  encoder.write_size(size());
  for (std::size_t i = 0, run = 0; i < size(); i += run) {
    run = run_of_ids(*this, i);
    encoder.write_size(run);
    encoder.write_size(id(i).origin);
    encoder.write_size(id(i).path.size());
    encoder.write(id(i).path.view().data(), id(i).path.size());
  }
  for (std::size_t i = 0, run = 0; i < size(); i += run) {
    run = run_of_sizes(*this, i);
    encoder.write_size(run);
    encoder.write_size(record_bytes(i).size());
    encoder.write_size(record_buffers(i).size());
  }
  encoder.write(bytes_.data(), bytes_.size());
}

void EncodedBatch::read_ids(Decoder& decoder, std::uint64_t count) {
  auto room = usual_path_bytes + path_bytes_a_byte * decoder.rest().size();
  while (entries_.size() < count) {
    const auto run = read_run(decoder, count - entries_.size());
    RecordId id{decoder.read_size(), {}};
    id.path = decoder.read_view(decoder.read_size());
    take_from(room, run, id.path.size());
    for (std::size_t i = 0; i < run; ++i, ++id.origin) entries_.push_back({id, 0, 0});
  }
}

void EncodedBatch::read_sizes(Decoder& decoder, std::uint64_t buffer_room) {
  auto room = static_cast<std::uint64_t>(decoder.rest().size());
  std::uint64_t bytes_end = 0;
  std::uint64_t buffers_end = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto left = static_cast<std::uint64_t>(entries_.end() - entry);
    const auto run = read_run(decoder, left);
    const auto bytes = decoder.read_size();
    const auto buffers = decoder.read_size();
    take_from(room, run, bytes);
    take_from(buffer_room, run, buffers);
    for (std::size_t i = 0; i < run; ++i, ++entry) {
      entry->bytes_end = bytes_end += bytes;
      entry->buffers_end = buffers_end += buffers;
    }
  }
}

EncodedBatch EncodedBatch::unpack(std::string_view packed, std::vector<Buffer> buffers) {
  Decoder decoder(packed);
  EncodedBatch batch;
  const auto count = read_count(decoder);
  batch.entries_.reserve(count);
  batch.read_ids(decoder, count);
  batch.read_sizes(decoder, buffers.size());
  const Entry last = batch.empty() ? Entry{} : batch.entries_.back();
  batch.bytes_ = decoder.read_view(last.bytes_end);
  decoder.finish();
  if (buffers.size() != last.buffers_end) {
    throw DecodeError(
        fmt::format("a batch with {} buffers arrived with {}", last.buffers_end, buffers.size()));
  }
  for (auto& buffer : buffers) batch.attach(std::move(buffer));
  return batch;
}

}  // namespace sluice
