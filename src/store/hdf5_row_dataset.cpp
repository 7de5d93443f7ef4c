#include "store/hdf5_dataset.hpp"
#include "store/hdf5_zstd.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::store {
namespace {

std::vector<hsize_t> with_rows(hsize_t rows, const std::vector<hsize_t>& row_shape) {
  std::vector<hsize_t> dims{rows};
  dims.insert(dims.end(), row_shape.begin(), row_shape.end());
  return dims;
}

Hdf5Id creation_list(std::string_view doing, const std::vector<hsize_t>& chunk) {
  auto list = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_DATASET_CREATE); });
  hdf5(doing,
       [&] { return H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data()); });
  hdf5(doing, [&] { return H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER); });
  return list;
}

std::size_t element_bytes(std::string_view doing, hid_t type) {
  // H5Tget_size says zero on failure.
  return static_cast<std::size_t>(
      hdf5(doing, [&] { return static_cast<std::int64_t>(H5Tget_size(type)) - 1; }) + 1);
}

Hdf5Id access_list_without_cache(std::string_view doing) {
  auto list = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_DATASET_ACCESS); });
  hdf5(doing, [&] { return H5Pset_chunk_cache(list.get(), 1, 0, 0.0); });
  return list;
}

}  // namespace

std::string DatasetPlace::doing() const {
  return fmt::format("cannot write dataset '{}' of '{}'", name, file);
}

RowDataset::RowDataset(const DatasetPlace& place, hid_t type, const std::vector<hsize_t>& row_shape,
                       std::size_t chunk_bytes, Compression compression)
    : doing_(place.doing()), extent_(with_rows(0, row_shape)), compression_(compression) {
  row_bytes_ = element_bytes(doing_, type);
  for (const auto length : row_shape) row_bytes_ *= length;
  chunk_rows_ = std::max<hsize_t>(1, chunk_bytes / row_bytes_);
  const auto largest = with_rows(H5S_UNLIMITED, row_shape);
  const auto space = hdf5_open(doing_, H5Sclose, [&] {
    return H5Screate_simple(static_cast<int>(extent_.size()), extent_.data(), largest.data());
  });
  const auto creation = creation_list(doing_, with_rows(chunk_rows_, row_shape));
  if (compression_ == Compression::zstd) set_zstd_filter(doing_, creation.get());
  const auto access = access_list_without_cache(doing_);
  dataset_ = hdf5_open(doing_, H5Dclose, [&] {
    return H5Dcreate2(place.parent, place.name.c_str(), type, space.get(), H5P_DEFAULT,
                      creation.get(), access.get());
  });
}

void RowDataset::append(std::span<const std::byte> rows) {
  const std::size_t chunk_bytes = chunk_rows_ * row_bytes_;
  while (!rows.empty()) {
    if (buffer_.empty() && rows.size() >= chunk_bytes) {
      write_chunk(rows.data());
      rows = rows.subspan(chunk_bytes);
      continue;
    }
    const auto part = rows.first(std::min(rows.size(), chunk_bytes - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    rows = rows.subspan(part.size());
    if (buffer_.size() == chunk_bytes) {
      write_chunk(buffer_.data());
      buffer_.clear();
    }
  }
}

void RowDataset::write_chunk(const std::byte* data) {
  set_rows(written_rows_ + chunk_rows_);
  std::vector<hsize_t> offset(extent_.size(), 0);
  offset[0] = written_rows_;
  std::span<const std::byte> chunk(data, chunk_rows_ * row_bytes_);
  std::uint32_t skipped_filters = 0;
  if (compression_ == Compression::zstd) {
    const bool smaller = zstd_compress(chunk, compressed_);
    skipped_filters = smaller ? 0 : 1;
    if (smaller) chunk = compressed_;
  }
  hdf5(doing_, [&] {
    return H5Dwrite_chunk(dataset_.get(), H5P_DEFAULT, skipped_filters, offset.data(), chunk.size(),
                          chunk.data());
  });
  written_rows_ += chunk_rows_;
}

void RowDataset::set_rows(hsize_t rows) {
  extent_[0] = rows;
  hdf5(doing_, [&] { return H5Dset_extent(dataset_.get(), extent_.data()); });
}

void RowDataset::finish() {
  if (!buffer_.empty()) {
    const auto rows = written_rows_ + buffer_.size() / row_bytes_;
    buffer_.resize(chunk_rows_ * row_bytes_);
    write_chunk(buffer_.data());
    set_rows(rows);
  }
  dataset_.close(doing_);
}

}  // namespace sluice::store
