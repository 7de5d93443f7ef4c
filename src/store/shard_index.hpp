#pragma once

#include "store/hdf5_row_reader.hpp"
#include "store/shard_layout.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// A shard's index, of which it holds a page of some thousand rows at a time. Errors are IoErrors
/// of HDF5's, or ShardErrors that begin with `shown`.
class ShardIndex {
 public:
  ShardIndex(hid_t file, std::string shown);

  std::uint64_t size() const noexcept { return rows_.rows(); }
  /// How many bytes "bytes" must have; 0 without records.
  std::uint64_t bytes();

  struct Entry {
    IndexRow row;
    std::string_view path;                   ///< until the next call
    const std::uint64_t* buffers = nullptr;  ///< their sizes, until the next call
    std::size_t buffer_count = 0;
  };
  /// Of a record below `size()`, checked to make sense in itself.
  Entry at(std::uint64_t record);
  /// After the last record of the page that holds the last one asked for: those before it, from
  /// that one on, can be asked for without a word from the file.
  std::uint64_t page_end() const noexcept { return first_ + page_.size(); }

 private:
  void load_page(std::uint64_t first);
  void check_page() const;
  [[noreturn]] void refuse(std::uint64_t record) const;

  std::string shown_;
  Hdf5Id row_type_;
  Hdf5Id byte_type_;
  Hdf5Id number_type_;
  RowReader rows_;
  RowReader paths_;
  RowReader buffers_;

  std::uint64_t first_ = 0;
  IndexRow before_;  ///< the row before the page's first; zeros if there is none
  std::vector<IndexRow> page_;
  std::string page_paths_;
  std::vector<std::uint64_t> page_buffers_;
};

}  // namespace sluice::store
