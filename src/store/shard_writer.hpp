#pragma once

#include "store/hdf5_dataset.hpp"
#include "store/shard_info.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <filesystem>

namespace sluice::store {

/// Writes a shard (docs/shard-format.md): batches in wire form, of whatever record type. Holds a
/// few chunks in memory (about 2 MiB), however much is written. For one thread.
class ShardWriter {
 public:
  /// Writes to `path`; errors are IoErrors that name it.
  explicit ShardWriter(const std::filesystem::path& path,
                       Compression compression = Compression::none);

  void append(const EncodedBatch& batch);
  std::uint64_t records() const noexcept { return records_; }
  /// Bytes of the records so far, as they are in memory.
  std::uint64_t bytes() const noexcept { return end_.offset; }

  /// Closes the file and writes its head: `info`, completed with what was written, which it
  /// returns. Nothing may follow. Not synced: that is for whoever publishes the file.
  ShardInfo finish(ShardInfo info);

 private:
  void append_record(const EncodedBatch& batch, std::size_t i);

  std::filesystem::path path_;
  Hdf5Id file_;
  RowDataset bytes_;
  RowDataset index_;
  RowDataset paths_;
  RowDataset buffers_;
  struct {
    std::uint64_t offset = 0;
    std::uint64_t paths = 0;
    std::uint64_t buffers = 0;
  } end_;
  std::uint64_t records_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace sluice::store
