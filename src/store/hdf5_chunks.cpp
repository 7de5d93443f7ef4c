#include "store/hdf5_chunks.hpp"

namespace sluice::store {
namespace {

void add(const FileRange& range, std::vector<FileRange>& found) {
  if (!found.empty() && found.back().offset + found.back().size == range.offset) {
    found.back().size += range.size;
  } else {
    found.push_back(range);
  }
}

}  // namespace

Hdf5Chunks::Hdf5Chunks(std::string_view doing, hid_t dataset) : doing_(doing), dataset_(dataset) {
  const auto list = hdf5_open(doing_, H5Pclose, [&] { return H5Dget_create_plist(dataset_); });
  hdf5(doing_, [&] { return H5Pget_chunk(list.get(), 1, &rows_); });
  base_ = head_bytes();
}

std::vector<FileRange> Hdf5Chunks::ranges(std::uint64_t first, std::uint64_t last) const {
  std::vector<FileRange> found;
  add_all(first, at(first), last, at(last), found);
  return found;
}

// Before 1.14.4 the library forgets that addresses count from the end of the file's head.
hsize_t Hdf5Chunks::head_bytes() const {
  hsize_t bytes = 0;
#if !H5_VERSION_GE(1, 14, 4)
  const auto file = hdf5_open(doing_, H5Fclose, [&] { return H5Iget_file_id(dataset_); });
  const auto list = hdf5_open(doing_, H5Pclose, [&] { return H5Fget_create_plist(file.get()); });
  hdf5(doing_, [&] { return H5Pget_userblock(list.get(), &bytes); });
#endif
  return bytes;
}

FileRange Hdf5Chunks::at(std::uint64_t number) const {
  const hsize_t first = number * rows_;
  unsigned skipped_filters = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t size = 0;
  hdf5(doing_, [&] {
    return H5Dget_chunk_info_by_coord(dataset_, &first, &skipped_filters, &address, &size);
  });
  return {address + base_, size};
}

// The outer two are known.
void Hdf5Chunks::add_all(std::uint64_t first, FileRange front, std::uint64_t last, FileRange back,
                         std::vector<FileRange>& found) const {
  const auto distance = (last - first) * front.size;
  if (back.offset == front.offset + distance) {
    return add({front.offset, distance + back.size}, found);
  }
  const auto middle = first + (last - first) / 2;
  add_all(first, front, middle, at(middle), found);
  add_all(middle + 1, at(middle + 1), last, back, found);
}

}  // namespace sluice::store
