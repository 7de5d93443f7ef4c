#include "store/hdf5_row_reader.hpp"

#include "store/hdf5_chunks.hpp"
#include "store/hdf5_zstd.hpp"

#include <utility>

namespace sluice::store {
namespace {

constexpr std::size_t compressed_cache_bytes = 2 << 20;

Hdf5Id open_dataset(const std::string& doing, hid_t file, const char* name, std::size_t cache) {
  const auto access = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_DATASET_ACCESS); });
  hdf5(doing, [&] { return H5Pset_chunk_cache(access.get(), cache > 0 ? 13 : 1, cache, 0.75); });
  return hdf5_open(doing, H5Dclose, [&] { return H5Dopen2(file, name, access.get()); });
}

bool is_filtered(const std::string& doing, hid_t dataset) {
  const auto list = hdf5_open(doing, H5Pclose, [&] { return H5Dget_create_plist(dataset); });
  return hdf5(doing, [&] { return H5Pget_nfilters(list.get()); }) > 0;
}

// A chunk that must be decompressed as a whole is better kept until the next read.
Hdf5Id open_with_the_right_cache(const std::string& doing, hid_t file, const char* name) {
  auto dataset = open_dataset(doing, file, name, 0);
  if (!is_filtered(doing, dataset.get())) return dataset;
  register_zstd_filter(doing);
  dataset.close(doing);
  return open_dataset(doing, file, name, compressed_cache_bytes);
}

}  // namespace

RowReader::RowReader(std::string doing, hid_t file, const char* name, hid_t type)
    : doing_(std::move(doing)),
      type_(type),
      dataset_(open_with_the_right_cache(doing_, file, name)),
      space_(hdf5_open(doing_, H5Sclose, [&] { return H5Dget_space(dataset_.get()); })) {
  rows_ = static_cast<std::uint64_t>(
      hdf5(doing_, [&] { return H5Sget_simple_extent_npoints(space_.get()); }));
}

void RowReader::read(std::uint64_t first, std::uint64_t count, void* out) const {
  if (count == 0) return;
  const hsize_t start = first;
  const hsize_t length = count;
  const auto memory =
      hdf5_open(doing_, H5Sclose, [&] { return H5Screate_simple(1, &length, nullptr); });
  hdf5(doing_, [&] {
    return H5Sselect_hyperslab(space_.get(), H5S_SELECT_SET, &start, nullptr, &length, nullptr);
  });
  hdf5(doing_, [&] {
    return H5Dread(dataset_.get(), type_, memory.get(), space_.get(), H5P_DEFAULT, out);
  });
}

std::vector<FileRange> RowReader::ranges() const {
  if (rows_ == 0 || is_filtered(doing_, dataset_.get())) return {};
  const Hdf5Chunks chunks(doing_, dataset_.get());
  return chunks.ranges(0, (rows_ - 1) / chunks.rows());
}

}  // namespace sluice::store
