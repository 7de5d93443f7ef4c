#pragma once

#include "store/hdf5_file.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <string_view>

namespace sluice::store {

// The datasets of a shard; docs/shard-format.md says what stands in them.
inline constexpr const char* bytes_dataset = "bytes";
inline constexpr const char* index_dataset = "index";
inline constexpr const char* paths_dataset = "paths";
inline constexpr const char* buffers_dataset = "buffers";

/// A row of "index", a record. What ends here begins where the row before ends it.
struct IndexRow {
  std::uint64_t origin = 0;       ///< of its id
  std::uint64_t offset = 0;       ///< in "bytes"
  std::uint64_t length = 0;       ///< in "bytes": its encoded bytes, then its buffers
  std::uint64_t encoded = 0;      ///< how many of them are its encoded bytes
  std::uint64_t paths_end = 0;    ///< in "paths": the path of its id
  std::uint64_t buffers_end = 0;  ///< in "buffers": the sizes of its buffers
  std::uint64_t checksum = 0;     ///< of the record, id and all
};

/// IndexRow, for HDF5.
Hdf5Id index_row_type(std::string_view doing);

/// The checksum of record `i` of the batch.
std::uint64_t record_checksum(const EncodedBatch& batch, std::size_t i);

}  // namespace sluice::store
