#pragma once

#include "process/table_format.hpp"

#include <sluice/batch.hpp>
#include <sluice/record.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::process {

/// A value of a batch that was sent: where it lies, and the buffer that it was copied from, if it
/// was one.
struct SentValue {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Buffer buffer;
};

/// A batch as it is written into shared memory: its table, and then its values. Made for one batch,
/// which must not change meanwhile.
class BatchTable {
 public:
  /// Throws StageError for a record that no table can hold.
  explicit BatchTable(const Batch<Record>& batch);

  std::uint64_t table_bytes() const noexcept { return table_bytes_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Writes it at `to`, which is at `offset` of its file and has room for all its bytes. Returns
  /// the values, in the order of their offsets.
  std::vector<SentValue> write(std::byte* to, std::uint64_t offset) const;

 private:
  const Batch<Record>& batch_;
  TableHead head_;
  std::uint64_t table_bytes_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace sluice::process
