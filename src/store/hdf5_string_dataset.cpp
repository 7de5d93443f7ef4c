#include "store/hdf5_dataset.hpp"

namespace sluice::store {
namespace {

constexpr hsize_t most_buffered_rows = 1024;  // a chunk of the dataset
constexpr std::size_t most_buffered_bytes = 512 << 10;

Hdf5Id string_type(std::string_view doing) {
  auto type = hdf5_open(doing, H5Tclose, [] { return H5Tcopy(H5T_C_S1); });
  hdf5(doing, [&] { return H5Tset_size(type.get(), H5T_VARIABLE); });
  hdf5(doing, [&] { return H5Tset_cset(type.get(), H5T_CSET_UTF8); });
  return type;
}

}  // namespace

StringDataset::StringDataset(const DatasetPlace& place)
    : doing_(place.doing()), type_(string_type(doing_)) {
  const hsize_t none = 0;
  const hsize_t any = H5S_UNLIMITED;
  const auto space = hdf5_open(doing_, H5Sclose, [&] { return H5Screate_simple(1, &none, &any); });
  const auto creation = hdf5_open(doing_, H5Pclose, [] { return H5Pcreate(H5P_DATASET_CREATE); });
  hdf5(doing_, [&] { return H5Pset_chunk(creation.get(), 1, &most_buffered_rows); });
  dataset_ = hdf5_open(doing_, H5Dclose, [&] {
    return H5Dcreate2(place.parent, place.name.c_str(), type_.get(), space.get(), H5P_DEFAULT,
                      creation.get(), H5P_DEFAULT);
  });
}

void StringDataset::append(std::string_view text) {
  starts_.push_back(text_.size());
  text_.append(text).push_back('\0');
  if (starts_.size() == most_buffered_rows || text_.size() >= most_buffered_bytes) flush();
}

void StringDataset::flush() {
  if (starts_.empty()) return;
  std::vector<const char*> strings;
  strings.reserve(starts_.size());
  for (const auto start : starts_) strings.push_back(text_.data() + start);
  const hsize_t count = strings.size();
  const hsize_t total = rows_ + count;
  hdf5(doing_, [&] { return H5Dset_extent(dataset_.get(), &total); });
  const auto memory =
      hdf5_open(doing_, H5Sclose, [&] { return H5Screate_simple(1, &count, nullptr); });
  const auto file = hdf5_open(doing_, H5Sclose, [&] { return H5Dget_space(dataset_.get()); });
  hdf5(doing_, [&] {
    return H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, &rows_, nullptr, &count, nullptr);
  });
  hdf5(doing_, [&] {
    return H5Dwrite(dataset_.get(), type_.get(), memory.get(), file.get(), H5P_DEFAULT,
                    strings.data());
  });
  rows_ = total;
  starts_.clear();
  text_.clear();
}

void StringDataset::finish() {
  flush();
  dataset_.close(doing_);
}

}  // namespace sluice::store
