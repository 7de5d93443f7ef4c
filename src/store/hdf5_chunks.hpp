#pragma once

#include "store/hdf5_file.hpp"
#include "store/mapped_ranges.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::store {

/// Where the chunks of a 1-D dataset lie in the file. The library is slow to say: for each chunk
/// that it is asked for it goes through all of them. So it is asked for as few as tell.
class Hdf5Chunks {
 public:
  /// `doing` begins its errors, and stays the caller's, as does the dataset.
  Hdf5Chunks(std::string_view doing, hid_t dataset);

  /// Rows in a chunk.
  std::uint64_t rows() const noexcept { return rows_; }
  /// Of the chunks from `first` to `last`, one range after the other.
  std::vector<FileRange> ranges(std::uint64_t first, std::uint64_t last) const;

 private:
  hsize_t head_bytes() const;
  FileRange at(std::uint64_t number) const;
  void add_all(std::uint64_t first, FileRange front, std::uint64_t last, FileRange back,
               std::vector<FileRange>& found) const;

  std::string_view doing_;
  hid_t dataset_;
  hsize_t rows_ = 0;
  hsize_t base_ = 0;
};

}  // namespace sluice::store
