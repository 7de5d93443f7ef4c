#include "store/shard_reader.hpp"

#include "store/hdf5_type.hpp"
#include "store/mapped_ranges.hpp"
#include "store/shard_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace sluice::store {
namespace {

// Of whole records, read at once. Reads of 2 MiB and more are slower at times.
constexpr std::uint64_t block_bytes = 1 << 20;
constexpr std::string_view advice =
    "; delete the file and resume the run: what it held is made again";

[[noreturn]] void refuse(const std::string& shown, std::string_view why) {
  throw ShardError(fmt::format("the shard {} {}{}", shown, why, advice));
}

void check_info(const std::string& shown, const ShardInfo& found, const ShardInfo& expected,
                std::uint64_t file_bytes) {
  if (!(found == expected)) refuse(shown, "is not the one that the manifest lists");
  if (file_bytes != found.file_bytes) {
    refuse(shown, fmt::format("has {} bytes instead of {}: it was cut short, or changed",
                              file_bytes, found.file_bytes));
  }
}

}  // namespace

class ShardReader::File {
 public:
  File(const std::filesystem::path& path, std::string shown, ShardInfo expected)
      : shown_(std::move(shown)),
        info_(std::move(expected)),
        file_(open_hdf5_file(fmt::format("cannot open {}", shown_), path)),
        index_(file_.get(), shown_),
        byte_type_(hdf5_type(shown_, DType::u8)),
        bytes_(fmt::format("cannot read {}", shown_), file_.get(), bytes_dataset, byte_type_.get()),
        mapped_(fmt::format("cannot read {}", shown_), path, bytes_.ranges()) {
    if (index_.size() != info_.records || index_.bytes() != info_.bytes ||
        bytes_.rows() != info_.bytes) {
      refuse(shown_, fmt::format("has {} records with {} bytes instead of {} with {}",
                                 index_.size(), bytes_.rows(), info_.records, info_.bytes));
    }
  }

  const ShardInfo& info() const noexcept { return info_; }
  const std::string& shown() const noexcept { return shown_; }

  EncodedBatch read(std::uint64_t first, std::uint64_t most_records, std::uint64_t most_bytes) {
    const auto end = first + std::min(most_records, index_.size() - first);
    const bool read_ahead = first == next_;
    EncodedBatch batch;
    std::uint64_t bytes = 0;
    next_ = first;
    for (; next_ < end; ++next_) {
      const auto entry = index_.at(next_);
      if (!batch.empty() && bytes + entry.row.length > most_bytes) break;
      bytes += entry.row.length;
      if (!holds(entry.row)) {
        load_block(entry.row, std::min(index_.page_end(), read_ahead ? index_.size() : end));
      }
      append_record(batch, entry);
    }
    return batch;
  }

 private:
  bool holds(const IndexRow& row) const {
    return row.offset >= block_offset_ && row.offset + row.length <= block_offset_ + block_.size();
  }
  void load_block(const IndexRow& first, std::uint64_t end);
  Buffer read_bytes(std::uint64_t offset, std::uint64_t size);
  void append_record(EncodedBatch& batch, const ShardIndex::Entry& entry) const;

  std::string shown_;
  ShardInfo info_;
  Hdf5Id file_;
  ShardIndex index_;
  Hdf5Id byte_type_;
  RowReader bytes_;
  MappedRanges mapped_;     ///< the same bytes, if they are not compressed
  std::uint64_t next_ = 0;  ///< where the last read ended
  Buffer block_;
  std::uint64_t block_offset_ = 0;
};

// Record `next_`, and of those before `end` as many as fit into a block with it.
void ShardReader::File::load_block(const IndexRow& first, std::uint64_t end) {
  auto size = first.length;
  for (auto record = next_ + 1; record < end; ++record) {
    const auto row = index_.at(record).row;
    const auto larger = row.offset + row.length - first.offset;
    if (larger > block_bytes) break;
    size = larger;
  }
  block_ = read_bytes(first.offset, size);
  block_offset_ = first.offset;
}

Buffer ShardReader::File::read_bytes(std::uint64_t offset, std::uint64_t size) {
  if (size > 0 && mapped_) return mapped_.read(offset, size);
  Buffer block(size);
  bytes_.read(offset, size, block.mutable_data());
  return block;
}

void ShardReader::File::append_record(EncodedBatch& batch, const ShardIndex::Entry& entry) const {
  auto at = entry.row.offset - block_offset_;
  batch.open_bytes() += block_.view().substr(at, entry.row.encoded);
  at += entry.row.encoded;
  for (std::size_t i = 0; i < entry.buffer_count; ++i) {
    batch.attach(block_.slice(at, entry.buffers[i]));
    at += entry.buffers[i];
  }
  batch.end_record({entry.row.origin, entry.path});
  if (record_checksum(batch, batch.size() - 1) == entry.row.checksum) return;
  refuse(shown_, fmt::format("is damaged: the checksum of record {} is wrong", next_));
}

ShardReader::ShardReader(const std::filesystem::path& path, std::string shown,
                         ShardInfo expected) try {
  std::error_code missing;
  const auto file_bytes = std::filesystem::file_size(path, missing);
  if (missing) refuse(shown, "is missing");
  check_info(shown, read_shard_info(path, shown), expected, file_bytes);
  file_ = std::make_unique<File>(path, std::move(shown), std::move(expected));
} catch (const IoError& error) {
  throw ShardError(std::string(error.what()).append(advice));
}

ShardReader::~ShardReader() = default;

const ShardInfo& ShardReader::info() const noexcept { return file_->info(); }

EncodedBatch ShardReader::read(std::uint64_t first, std::uint64_t most_records,
                               std::uint64_t most_bytes) {
  try {
    return file_->read(first, most_records, most_bytes);
  } catch (const IoError& error) {
    throw ShardError(fmt::format("{} (at record {} or soon after){}", error.what(), first, advice));
  }
}

ShardInfo read_shard_info(const std::filesystem::path& path, const std::string& shown) {
  std::string head(shard_head_bytes, '\0');
  std::ifstream(path, std::ios::binary).read(head.data(), shard_head_bytes);
  auto info = parse_shard_head(head);
  if (!info) refuse(shown, "has no sound head: it is no shard, or damaged");
  return *std::move(info);
}

}  // namespace sluice::store
