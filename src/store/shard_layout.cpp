#include "store/shard_layout.hpp"

#include "store/checksum.hpp"

#include <cstddef>

namespace sluice::store {

Hdf5Id index_row_type(std::string_view doing) {
  auto type = hdf5_open(doing, H5Tclose, [] { return H5Tcreate(H5T_COMPOUND, sizeof(IndexRow)); });
  const auto member = [&](const char* name, std::size_t offset) {
    hdf5(doing, [&] { return H5Tinsert(type.get(), name, offset, H5T_STD_U64LE); });
  };
  member("origin", offsetof(IndexRow, origin));
  member("offset", offsetof(IndexRow, offset));
  member("length", offsetof(IndexRow, length));
  member("encoded", offsetof(IndexRow, encoded));
  member("paths_end", offsetof(IndexRow, paths_end));
  member("buffers_end", offsetof(IndexRow, buffers_end));
  member("checksum", offsetof(IndexRow, checksum));
  return type;
}

std::uint64_t record_checksum(const EncodedBatch& batch, std::size_t i) {
  const auto& id = batch.id(i);
  auto sum = checksum(id.path, id.origin);
  sum = checksum(batch.record_bytes(i), sum);
  for (const auto& buffer : batch.record_buffers(i)) sum = checksum(buffer.view(), sum);
  return sum;
}

}  // namespace sluice::store
