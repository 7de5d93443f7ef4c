#pragma once

#include "store/hdf5_file.hpp"
#include "store/mapped_ranges.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

/// Reads ranges of rows of a 1-D dataset. Without compression they come straight from the file,
/// past the chunk cache, which is twenty times faster for single rows.
class RowReader {
 public:
  /// `doing` begins its errors ("cannot read 'a.h5'"); they are IoErrors. `type` stays the
  /// caller's, and must outlive this.
  RowReader(std::string doing, hid_t file, const char* name, hid_t type);

  std::uint64_t rows() const noexcept { return rows_; }
  /// Into memory for `count` rows; the range must lie within the dataset.
  void read(std::uint64_t first, std::uint64_t count, void* out) const;

  /// Where the rows lie in the file, in whole chunks, one range after the other. Empty if there are
  /// none, or if they lie there compressed.
  std::vector<FileRange> ranges() const;

 private:
  std::string doing_;
  hid_t type_;
  Hdf5Id dataset_;
  Hdf5Id space_;
  std::uint64_t rows_ = 0;
};

}  // namespace sluice::store
