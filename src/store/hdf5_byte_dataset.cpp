#include "store/hdf5_byte_dataset.hpp"

#include "store/hdf5_chunks.hpp"
#include "store/hdf5_type.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

namespace sluice::store {
namespace {

constexpr std::uint64_t chunks_ahead = 16;
constexpr std::size_t small_bytes = 16
                                    << 10;  // below that a copy costs less than a place in a list
constexpr std::size_t most_small = 512 << 10;

Hdf5Id create(const std::string& doing, const DatasetPlace& place, hsize_t chunk) {
  const auto list = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_DATASET_CREATE); });
  hdf5(doing, [&] { return H5Pset_chunk(list.get(), 1, &chunk); });
  hdf5(doing, [&] { return H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER); });
  hdf5(doing, [&] { return H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY); });
  const auto type = hdf5_type(doing, DType::u8);
  const hsize_t none = 0;
  const hsize_t any = H5S_UNLIMITED;
  const auto space = hdf5_open(doing, H5Sclose, [&] { return H5Screate_simple(1, &none, &any); });
  return hdf5_open(doing, H5Dclose, [&] {
    return H5Dcreate2(place.parent, place.name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                      list.get(), H5P_DEFAULT);
  });
}

}  // namespace

ByteDataset::ByteDataset(const DatasetPlace& place, const std::filesystem::path& path,
                         std::size_t chunk_bytes)
    : doing_(place.doing()),
      file_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)),
      chunk_bytes_(chunk_bytes),
      dataset_(create(doing_, place, chunk_bytes)) {
  if (file_.get() < 0) {
    throw IoError(fmt::format("{}: {}", doing_, std::generic_category().message(errno)));
  }
  small_.reserve(most_small);
}

void ByteDataset::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const bool is_small = bytes.size() < small_bytes;
  if (pieces_.size() == IOV_MAX || (is_small && small_.size() + bytes.size() > most_small)) write();
  const auto* data = bytes.data();
  waiting_ += bytes.size();
  if (is_small) {
    data = small_.data() + small_.size();
    small_.insert(small_.end(), bytes.begin(), bytes.end());
    if (!pieces_.empty() &&
        static_cast<std::byte*>(pieces_.back().iov_base) + pieces_.back().iov_len == data) {
      pieces_.back().iov_len += bytes.size();
      return;
    }
  } else {
    borrowed_ = true;
  }
  pieces_.push_back({const_cast<std::byte*>(data), bytes.size()});
}

void ByteDataset::flush() {
  if (borrowed_) write();
}

void ByteDataset::write() {
  reserve(waiting_);
  while (!pieces_.empty()) {
    write_into(space_.front());
    if (space_.front().size == 0) space_.pop_front();
  }
  small_.clear();
  borrowed_ = false;
}

void ByteDataset::reserve(std::uint64_t bytes) {
  if (written_ + bytes <= reserved_) return;
  const auto first = reserved_ / chunk_bytes_;
  const auto needed = (written_ + bytes - reserved_ + chunk_bytes_ - 1) / chunk_bytes_;
  const auto count = std::max(chunks_ahead, needed);
  set_length(reserved_ + count * chunk_bytes_);
  const auto found = Hdf5Chunks(doing_, dataset_.get()).ranges(first, first + count - 1);
  space_.insert(space_.end(), found.begin(), found.end());
}

// As much as fits there, or as the kernel takes at once.
void ByteDataset::write_into(FileRange& space) {
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (; count < pieces_.size() && bytes < space.size; ++count) bytes += pieces_[count].iov_len;
  auto& last = pieces_[count - 1].iov_len;
  const auto over = bytes > space.size ? bytes - space.size : 0;
  last -= over;
  const auto done = ::pwritev(file_.get(), pieces_.data(), static_cast<int>(count),
                              static_cast<off_t>(space.offset));
  last += over;
  if (done < 0 && errno == EINTR) return;
  if (done <= 0) {
    throw IoError(fmt::format("{}: {}; check the folder's permissions and free space", doing_,
                              std::generic_category().message(done < 0 ? errno : ENOSPC)));
  }
  auto left = static_cast<std::uint64_t>(done);
  space.offset += left;
  space.size -= left;
  written_ += left;
  waiting_ -= left;
  std::size_t whole = 0;
  for (; whole < count && left >= pieces_[whole].iov_len; ++whole) left -= pieces_[whole].iov_len;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(whole));
  if (left == 0) return;
  pieces_.front().iov_base = static_cast<std::byte*>(pieces_.front().iov_base) + left;
  pieces_.front().iov_len -= left;
}

void ByteDataset::set_length(std::uint64_t length) {
  const hsize_t rows = length;
  hdf5(doing_, [&] { return H5Dset_extent(dataset_.get(), &rows); });
  reserved_ = length;
}

void ByteDataset::finish() {
  write();
  set_length(written_);
  dataset_.close(doing_);
}

}  // namespace sluice::store
