#pragma once

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

// Reads datasets back with HDF5's own interface; for one thread.
namespace sluice::store {

class DatasetReader {
 public:
  DatasetReader(const std::filesystem::path& path, const std::string& name)
      : file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)),
        dataset_(H5Dopen2(file_, name.c_str(), H5P_DEFAULT)) {
    EXPECT_GE(file_, 0) << path;
    EXPECT_GE(dataset_, 0) << name;
  }
  ~DatasetReader() {
    H5Dclose(dataset_);
    H5Fclose(file_);
  }
  DatasetReader(const DatasetReader&) = delete;
  DatasetReader& operator=(const DatasetReader&) = delete;

  std::vector<hsize_t> shape() const {
    const hid_t space = H5Dget_space(dataset_);
    std::vector<hsize_t> dims(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, dims.data(), nullptr);
    H5Sclose(space);
    return dims;
  }

  std::size_t size() const {
    std::size_t size = 1;
    for (const auto length : shape()) size *= length;
    return size;
  }

  H5T_class_t type_class() const {
    const hid_t type = H5Dget_type(dataset_);
    const auto result = H5Tget_class(type);
    H5Tclose(type);
    return result;
  }

  template <class T>
  std::vector<T> read(hid_t memory_type) const {
    std::vector<T> values(size());
    EXPECT_GE(H5Dread(dataset_, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    return values;
  }

  std::vector<std::string> strings() const {
    const hid_t type = H5Dget_type(dataset_);
    EXPECT_GT(H5Tis_variable_str(type), 0);
    EXPECT_EQ(H5Tget_cset(type), H5T_CSET_UTF8);
    const auto pointers = read<char*>(type);
    std::vector<std::string> strings(pointers.begin(), pointers.end());
    for (char* pointer : pointers) H5free_memory(pointer);
    H5Tclose(type);
    return strings;
  }

 private:
  hid_t file_;
  hid_t dataset_;
};

inline std::vector<std::string> read_strings(const std::filesystem::path& path,
                                             const std::string& name) {
  return DatasetReader(path, name).strings();
}

template <class T>
std::vector<T> read_numbers(const std::filesystem::path& path, const std::string& name,
                            hid_t memory_type) {
  return DatasetReader(path, name).read<T>(memory_type);
}

}  // namespace sluice::store
