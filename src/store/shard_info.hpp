#pragma once

#include "store/split_set.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// What is to be known of a shard without reading its records. Stands at the start of the shard
/// itself, and in the manifest of its stage.
struct ShardInfo {
  std::string name;      ///< the file's, within its stage
  std::string pipeline;  ///< digest of the pipeline that made it (manifest.hpp)
  SplitSet splits;       ///< whose records it holds, all of them
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;       ///< of the records, as they are in memory
  std::uint64_t file_bytes = 0;  ///< of the shard itself
  std::uint64_t checksum = 0;    ///< of its index, which holds the checksums of its records

  bool operator==(const ShardInfo&) const = default;
};

/// One line of JSON.
std::string to_json(const ShardInfo& info);
/// Throws a std::exception if it is not what `to_json` wrote.
ShardInfo shard_info(std::string_view json);

/// Every shard starts with this many bytes that are not HDF5's: its info, sealed, then NULs.
inline constexpr std::size_t shard_head_bytes = 8192;

/// Throws InvariantError if it is too long, which a shard of at most `most_split_ranges` is not.
std::string shard_head(const ShardInfo& info);
inline constexpr std::size_t most_split_ranges = 150;

/// Nothing if it is no shard's head, or a damaged one.
std::optional<ShardInfo> parse_shard_head(std::string_view head);

/// Those of the shards that hold different splits: of two that hold the same one (a worker was
/// taken for dead, and its splits done again) the first counts.
std::vector<ShardInfo> without_overlaps(std::vector<ShardInfo> shards);

}  // namespace sluice::store
