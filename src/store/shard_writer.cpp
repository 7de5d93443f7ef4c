#include "store/shard_writer.hpp"

#include "store/checksum.hpp"
#include "store/hdf5_type.hpp"
#include "store/shard_layout.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

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

RowDataset index(const DatasetPlace& place) {
  const auto type = index_row_type(place.doing());
  return {place, type.get(), {}, small_chunk_bytes};
}

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                            path.string(), std::generic_category().message(error)));
}

std::uint64_t size_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail(path, error.value());
  return size;
}

void write_head(const std::filesystem::path& path, const std::string& head) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "r+be"),
                                                             &std::fclose);
  if (file == nullptr) fail(path, errno);
  const bool written = std::fwrite(head.data(), 1, head.size(), file.get()) == head.size();
  if (!written || std::fflush(file.get()) != 0) fail(path, errno);
}

}  // namespace

ShardWriter::ShardWriter(const std::filesystem::path& path, Compression compression)
    : path_(path),
      file_(create_hdf5_file(path, shard_head_bytes)),
      bytes_(dataset({file_.get(), bytes_dataset, path.string()}, DType::u8, chunk_bytes,
                     compression)),
      index_(index({file_.get(), index_dataset, path.string()})),
      paths_(dataset({file_.get(), paths_dataset, path.string()}, DType::u8, small_chunk_bytes)),
      buffers_(
          dataset({file_.get(), buffers_dataset, path.string()}, DType::u64, small_chunk_bytes)) {}

void ShardWriter::append(const EncodedBatch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) append_record(batch, i);
}

void ShardWriter::append_record(const EncodedBatch& batch, std::size_t i) {
  const auto& id = batch.id(i);
  const auto encoded = batch.record_bytes(i);
  IndexRow row{id.origin, end_.offset, encoded.size(), encoded.size(), 0, 0, 0};
  bytes_.append(as_bytes(encoded));
  for (const auto& buffer : batch.record_buffers(i)) {
    bytes_.append({buffer.data(), buffer.size()});
    const std::uint64_t size = buffer.size();
    buffers_.append(bytes_of(size));
    row.length += size;
    ++end_.buffers;
  }
  paths_.append(as_bytes(id.path));
  end_.paths += id.path.size();
  end_.offset += row.length;
  row.paths_end = end_.paths;
  row.buffers_end = end_.buffers;
  row.checksum = record_checksum(batch, i);
  index_.append(bytes_of(row));
  checksum_ = checksum(&row, sizeof row, checksum_);
  ++records_;
}

ShardInfo ShardWriter::finish(ShardInfo info) {
  for (auto* part : {&bytes_, &index_, &paths_, &buffers_}) part->finish();
  file_.close(fmt::format("cannot close '{}'", path_.string()));
  info.records = records_;
  info.bytes = end_.offset;
  info.checksum = checksum_;
  info.file_bytes = size_of_file(path_);
  write_head(path_, shard_head(info));
  return info;
}

}  // namespace sluice::store
