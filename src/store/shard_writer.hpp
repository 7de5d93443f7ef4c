#pragma once

#include "store/compression.hpp"
#include "store/shard_info.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace sluice::store {

/// Writes a shard (docs/shard-format.md): batches in wire form, of whatever record type. Holds a
/// few chunks in memory (about 2 MiB), however much is written. For one thread.
class ShardWriter {
 public:
  /// Writes to `path`; errors are IoErrors that name it.
  explicit ShardWriter(const std::filesystem::path& path,
                       Compression compression = Compression::none);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  void append(const EncodedBatch& batch);
  std::uint64_t records() const noexcept;
  /// Bytes of the records so far, as they are in memory.
  std::uint64_t bytes() const noexcept;

  /// Closes the file and writes its head: `info`, completed with what was written, which it
  /// returns. Nothing may follow. Not synced: that is for whoever publishes the file.
  ShardInfo finish(ShardInfo info);

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace sluice::store
