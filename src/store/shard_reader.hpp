#pragma once

#include "store/shard_error.hpp"
#include "store/shard_info.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace sluice::store {

/// Reads a shard's records back, in any order; every record is checked against its checksum. The
/// records' buffers are the file's pages as the kernel caches them, unless they are compressed;
/// then it holds a block in memory, of a megabyte or one record if that is larger. Besides, a page
/// of the index. For one thread. Errors are ShardErrors.
class ShardReader {
 public:
  /// Opens the file at `path`; `shown` names it in errors ("'s3://bucket/…'"). It must be the very
  /// shard that `expected` describes.
  ShardReader(const std::filesystem::path& path, std::string shown, ShardInfo expected);
  ~ShardReader();
  ShardReader(const ShardReader&) = delete;
  ShardReader& operator=(const ShardReader&) = delete;

  const ShardInfo& info() const noexcept;
  /// How many records.
  std::uint64_t size() const noexcept { return info().records; }

  /// Records `first`, `first + 1`, …: at most `most_records`, and as many as have no more than
  /// `most_bytes` together, but always one. `first` must be below `size()`. Reading on where the
  /// last call ended reads ahead.
  EncodedBatch read(std::uint64_t first, std::uint64_t most_records, std::uint64_t most_bytes);

 private:
  class File;
  std::unique_ptr<File> file_;
};

/// The info at the start of the shard at `path`; throws ShardError if it is none.
ShardInfo read_shard_info(const std::filesystem::path& path, const std::string& shown);

}  // namespace sluice::store
