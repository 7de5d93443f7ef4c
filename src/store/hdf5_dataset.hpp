#pragma once

#include "store/compression.hpp"
#include "store/hdf5_file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// Where a dataset goes, and how errors name it.
struct DatasetPlace {
  hid_t parent = -1;
  std::string name;
  std::string file;  ///< for errors only

  std::string doing() const;
};

/// A dataset of rows of one size, filled from front to back. Rows gather in a buffer of one chunk
/// that goes to the file as it is, past the library's chunk cache: half as fast again as H5Dwrite.
class RowDataset {
 public:
  /// `row_shape` is empty for a 1-D dataset, and has no zeros. `type` stays the caller's.
  RowDataset(const DatasetPlace& place, hid_t type, const std::vector<hsize_t>& row_shape,
             std::size_t chunk_bytes, Compression compression = Compression::none);

  /// Any number of whole rows.
  void append(std::span<const std::byte> rows);
  /// Writes what is buffered and cuts the dataset to its exact length; nothing may follow.
  void finish();

 private:
  void write_chunk(const std::byte* data);
  void set_rows(hsize_t rows);

  std::string doing_;
  std::vector<hsize_t> extent_;
  std::size_t row_bytes_ = 0;
  hsize_t chunk_rows_ = 0;
  hsize_t written_rows_ = 0;  ///< in whole chunks
  std::vector<std::byte> buffer_;
  Compression compression_;
  std::vector<std::byte> compressed_;
  Hdf5Id dataset_;
};

/// A 1-D dataset of UTF-8 strings of any length.
class StringDataset {
 public:
  explicit StringDataset(const DatasetPlace& place);

  /// `text` has no NUL, which would end the string.
  void append(std::string_view text);
  void finish();

 private:
  void flush();

  std::string doing_;
  Hdf5Id type_;
  hsize_t rows_ = 0;  ///< in the file
  std::string text_;  ///< of the buffered rows, each ended by a NUL
  std::vector<std::size_t> starts_;
  Hdf5Id dataset_;
};

}  // namespace sluice::store
