#include "store/shard_index.hpp"

#include "store/hdf5_type.hpp"
#include "store/shard_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::store {
namespace {

constexpr std::uint64_t page_rows = 4096;

std::string reading(const std::string& shown) {
  return fmt::format("cannot read the index of {}", shown);
}

// Sums that wrap around are no sizes either.
bool makes_sense(const IndexRow& row, const IndexRow& before) {
  return row.encoded <= row.length && row.offset == before.offset + before.length &&
         row.offset + row.length >= row.offset && row.paths_end >= before.paths_end &&
         row.buffers_end >= before.buffers_end;
}

}  // namespace

ShardIndex::ShardIndex(hid_t file, std::string shown)
    : shown_(std::move(shown)),
      row_type_(index_row_type(reading(shown_))),
      byte_type_(hdf5_type(reading(shown_), DType::u8)),
      number_type_(hdf5_type(reading(shown_), DType::u64)),
      rows_(reading(shown_), file, index_dataset, row_type_.get()),
      paths_(reading(shown_), file, paths_dataset, byte_type_.get()),
      buffers_(reading(shown_), file, buffers_dataset, number_type_.get()) {}

std::uint64_t ShardIndex::bytes() {
  if (size() == 0) return 0;
  const auto last = at(size() - 1).row;
  return last.offset + last.length;
}

ShardIndex::Entry ShardIndex::at(std::uint64_t record) {
  if (page_.empty() || record < first_ || record >= page_end()) {
    load_page(record - record % page_rows);
  }
  const auto place = record - first_;
  const auto& row = page_[place];
  const auto& last = place == 0 ? before_ : page_[place - 1];
  Entry entry;
  entry.row = row;
  entry.path = std::string_view(page_paths_)
                   .substr(last.paths_end - before_.paths_end, row.paths_end - last.paths_end);
  entry.buffers = page_buffers_.data() + (last.buffers_end - before_.buffers_end);
  entry.buffer_count = row.buffers_end - last.buffers_end;
  const auto attached =
      std::accumulate(entry.buffers, entry.buffers + entry.buffer_count, std::uint64_t{0});
  if (attached != row.length - row.encoded) refuse(record);
  return entry;
}

void ShardIndex::load_page(std::uint64_t first) {
  const auto lead = std::min<std::uint64_t>(first, 1);  // the row before, for where things begin
  page_.resize(std::min(size() - first, page_rows) + lead);
  rows_.read(first - lead, page_.size(), page_.data());
  before_ = IndexRow{};
  if (lead > 0) {
    before_ = page_.front();
    page_.erase(page_.begin());
  }
  first_ = first;
  check_page();
  const auto& last = page_.back();
  page_paths_.resize(last.paths_end - before_.paths_end);
  paths_.read(before_.paths_end, page_paths_.size(), page_paths_.data());
  page_buffers_.resize(last.buffers_end - before_.buffers_end);
  buffers_.read(before_.buffers_end, page_buffers_.size(), page_buffers_.data());
}

void ShardIndex::check_page() const {
  for (std::size_t i = 0; i < page_.size(); ++i) {
    const auto& last = i == 0 ? before_ : page_[i - 1];
    const bool within =
        page_[i].paths_end <= paths_.rows() && page_[i].buffers_end <= buffers_.rows();
    if (!within || !makes_sense(page_[i], last)) refuse(first_ + i);
  }
}

void ShardIndex::refuse(std::uint64_t record) const {
  throw ShardError(fmt::format("{}: the index row of record {} is damaged", shown_, record));
}

}  // namespace sluice::store
