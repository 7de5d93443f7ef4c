#include "store/shard_writer.hpp"

#include "store/checksum.hpp"
#include "store/hdf5_byte_dataset.hpp"
#include "store/hdf5_dataset.hpp"
#include "store/hdf5_type.hpp"
#include "store/shard_layout.hpp"
#include "store/space_ahead.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <variant>

namespace sluice::store {
namespace {

constexpr std::size_t chunk_bytes = 512 << 10;  // larger ones are several times slower
constexpr std::size_t small_chunk_bytes = 64 << 10;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

RowDataset dataset(const DatasetPlace& place, DType dtype, std::size_t chunk,
                   Compression compression = Compression::none) {
  const auto type = hdf5_type(place.doing(), dtype);
  return {place, type.get(), {}, chunk, compression};
}

// Compressed bytes are made by the chunk; others go to the file as they are.
using Bytes = std::variant<RowDataset, ByteDataset>;

Bytes bytes_of_records(const DatasetPlace& place, const std::filesystem::path& path,
                       Compression compression) {
  if (compression == Compression::none) {
    return Bytes(std::in_place_type<ByteDataset>, place, path, chunk_bytes);
  }
  return dataset(place, DType::u8, chunk_bytes, compression);
}

RowDataset index_of(const DatasetPlace& place) {
  const auto type = index_row_type(place.doing());
  return {place, type.get(), {}, small_chunk_bytes};
}

}  // namespace

struct ShardWriter::File {
  File(const std::filesystem::path& where, Compression compression)
      : path(where),
        file(create_hdf5_file(where, shard_head_bytes)),
        space(where),
        bytes(bytes_of_records(place(bytes_dataset), where, compression)),
        index(index_of(place(index_dataset))),
        paths(dataset(place(paths_dataset), DType::u8, small_chunk_bytes)),
        buffers(dataset(place(buffers_dataset), DType::u64, small_chunk_bytes)) {}

  DatasetPlace place(const char* name) const { return {file.get(), name, path.string()}; }
  void append(const EncodedBatch& batch, std::size_t i);
  void append_bytes(std::span<const std::byte> more) {
    std::visit([more](auto& to) { to.append(more); }, bytes);
  }
  void flush();
  void close();

  std::filesystem::path path;
  Hdf5Id file;
  SpaceAhead space;
  Bytes bytes;
  RowDataset index;
  RowDataset paths;
  RowDataset buffers;
  IndexRow last;  ///< of the last record
  std::uint64_t records = 0;
  std::uint64_t checksum = 0;
};

void ShardWriter::File::append(const EncodedBatch& batch, std::size_t i) {
  const auto& id = batch.id(i);
  const auto encoded = batch.record_bytes(i);
  last.origin = id.origin;
  last.offset += std::exchange(last.length, encoded.size());
  last.encoded = encoded.size();
  append_bytes(as_bytes(encoded));
  for (const auto& buffer : batch.record_buffers(i)) {
    const std::uint64_t size = buffer.size();
    append_bytes({buffer.data(), buffer.size()});
    buffers.append(bytes_of(size));
    last.length += size;
    ++last.buffers_end;
  }
  paths.append(as_bytes(id.path));
  last.paths_end += id.path.size();
  last.checksum = record_checksum(batch, i);
  index.append(bytes_of(last));
  checksum = store::checksum(&last, sizeof last, checksum);
  ++records;
}

// So that the batch may go.
void ShardWriter::File::flush() {
  if (auto* plain = std::get_if<ByteDataset>(&bytes)) plain->flush();
}

void ShardWriter::File::close() {
  std::visit([](auto& to) { to.finish(); }, bytes);
  for (auto* part : {&index, &paths, &buffers}) part->finish();
  file.close(fmt::format("cannot close '{}'", path.string()));
}

ShardWriter::ShardWriter(const std::filesystem::path& path, Compression compression)
    : file_(std::make_unique<File>(path, compression)) {}

ShardWriter::~ShardWriter() = default;

std::uint64_t ShardWriter::records() const noexcept { return file_->records; }
std::uint64_t ShardWriter::bytes() const noexcept {
  return file_->last.offset + file_->last.length;
}

void ShardWriter::append(const EncodedBatch& batch) {
  file_->space.reserve(bytes() + batch.stored_bytes());
  for (std::size_t i = 0; i < batch.size(); ++i) file_->append(batch, i);
  file_->flush();
}

ShardInfo ShardWriter::finish(ShardInfo info) {
  file_->close();
  info.records = records();
  info.bytes = bytes();
  info.checksum = file_->checksum;
  info.file_bytes = file_->space.size();
  file_->space.finish(shard_head(info));
  return info;
}

}  // namespace sluice::store
