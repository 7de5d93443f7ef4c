#include "store/hdf5_row_reader.hpp"

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

// Where a chunked dataset's chunks lie. The library is slow to say: for each chunk that it is asked
// for it goes through all of them. So it is asked for as few as tell.
class Chunks {
 public:
  Chunks(std::string_view doing, hid_t dataset) : doing_(doing), dataset_(dataset) {
    const auto list = hdf5_open(doing_, H5Pclose, [&] { return H5Dget_create_plist(dataset_); });
    hdf5(doing_, [&] { return H5Pget_chunk(list.get(), 1, &rows_); });
    base_ = head_bytes();
  }

  std::vector<FileRange> first(std::uint64_t rows) && {
    const auto last = (rows - 1) / rows_;
    add_all(0, at(0), last, at(last));
    return std::move(found_);
  }

 private:
  // Before 1.14.4 the library forgets that addresses count from the end of the file's head.
  hsize_t head_bytes() const {
    hsize_t bytes = 0;
#if !H5_VERSION_GE(1, 14, 4)
    const auto file = hdf5_open(doing_, H5Fclose, [&] { return H5Iget_file_id(dataset_); });
    const auto list = hdf5_open(doing_, H5Pclose, [&] { return H5Fget_create_plist(file.get()); });
    hdf5(doing_, [&] { return H5Pget_userblock(list.get(), &bytes); });
#endif
    return bytes;
  }

  FileRange at(std::uint64_t number) const {
    const hsize_t first = number * rows_;
    unsigned skipped_filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    hdf5(doing_, [&] {
      return H5Dget_chunk_info_by_coord(dataset_, &first, &skipped_filters, &address, &size);
    });
    return {address + base_, size};
  }

  // Chunks `first` to `last`, of which the outer two are known.
  void add_all(std::uint64_t first, FileRange front, std::uint64_t last, FileRange back) {
    const auto distance = (last - first) * front.size;
    if (back.offset == front.offset + distance) return add({front.offset, distance + back.size});
    const auto middle = first + (last - first) / 2;
    add_all(first, front, middle, at(middle));
    add_all(middle + 1, at(middle + 1), last, back);
  }

  void add(const FileRange& range) {
    if (!found_.empty() && found_.back().offset + found_.back().size == range.offset) {
      found_.back().size += range.size;
    } else {
      found_.push_back(range);
    }
  }

  std::string_view doing_;
  hid_t dataset_;
  hsize_t rows_ = 0;  ///< in a chunk
  hsize_t base_ = 0;
  std::vector<FileRange> found_;
};

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
  return Chunks(doing_, dataset_.get()).first(rows_);
}

}  // namespace sluice::store
