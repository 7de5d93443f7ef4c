#include "store/hdf5_zstd.hpp"

#include <zstd.h>

#include <cstdlib>

namespace sluice::store {
namespace {

constexpr H5Z_filter_t zstd_filter_number = 32015;
constexpr int level = 1;  // 337 MB/s a core on text; higher levels are slower than disks

// HDF5 passes a block of its own memory, to be replaced by one with the result; 0 is failure.
// Chunks are compressed before they are handed over, so only reading comes here.
std::size_t decompress(unsigned flags, std::size_t, const unsigned*, std::size_t bytes,
                       std::size_t* block_size, void** block) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;
  const auto size = ZSTD_getFrameContentSize(*block, bytes);
  constexpr unsigned long long most = 1ULL << 32;  // of an HDF5 chunk
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > most) return 0;
  void* out = H5allocate_memory(size, 0);
  if (out == nullptr) return 0;
  if (ZSTD_decompress(out, size, *block, bytes) != size) {
    H5free_memory(out);
    return 0;
  }
  H5free_memory(*block);
  *block = out;
  *block_size = size;
  return size;
}

const H5Z_class2_t zstd_filter{H5Z_CLASS_T_VERS, zstd_filter_number, true, true, "zstd", nullptr,
                               nullptr,          &decompress};

}  // namespace

void register_zstd_filter(std::string_view doing) {
  hdf5(doing, [] { return H5Zregister(&zstd_filter); });
}

void set_zstd_filter(std::string_view doing, hid_t creation_list) {
  register_zstd_filter(doing);
  hdf5(doing, [&] {
    return H5Pset_filter(creation_list, zstd_filter_number, H5Z_FLAG_OPTIONAL, 0, nullptr);
  });
}

bool zstd_compress(std::span<const std::byte> bytes, std::vector<std::byte>& out) {
  out.resize(ZSTD_compressBound(bytes.size()));
  const auto size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) != 0 || size >= bytes.size()) return false;
  out.resize(size);
  return true;
}

}  // namespace sluice::store
