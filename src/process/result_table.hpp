#pragma once

#include "process/batch_table.hpp"
#include "process/memory_file.hpp"

#include <sluice/record.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace sluice::process {

/// Where a table is in its writer's memory file.
struct Place {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// A result that a process wrote. The table is copied and checked before anything is believed, as
/// the process might still change it; whatever it says, only memory that is there is read.
class ResultTable {
 public:
  /// `inputs` are the records of the batch, `sent` its values. Throws Garbage.
  ResultTable(const Place& place, MemoryFile& output, std::size_t inputs,
              const std::vector<SentValue>& sent);

  /// Bytes that the process must leave alone while buffers share values with it: all that it wrote,
  /// since it takes that back as a whole. 0 if none would.
  std::uint64_t shared_bytes() const noexcept { return shares_ ? table_.size() + own_ : 0; }
  const std::vector<std::uint32_t>& sources() const noexcept { return sources_; }

  /// The records. `owner` keeps what they share; if it is null they share nothing. `input` is what
  /// the batch was written to.
  std::vector<Record> records(const std::shared_ptr<void>& owner, const MemoryFile& input) const;

 private:
  void copy_table(const Place& place, MemoryFile& output);
  void check_records(std::size_t inputs);
  void check_fields(MemoryFile& output);
  std::uint64_t check_shape(const FieldEntry& field, std::uint64_t& dimension) const;
  void check_place(const FieldEntry& field, MemoryFile& output);
  const SentValue& sent_around(const FieldEntry& field) const;
  Value value_of(const FieldEntry& field, const std::shared_ptr<void>& owner,
                 const MemoryFile& input) const;
  Buffer buffer_of(const FieldEntry& field, const std::shared_ptr<void>& owner,
                   const MemoryFile& input) const;
  std::string_view bytes_of(const FieldEntry& field, const MemoryFile& input) const;

  template <class T>
  T entry(std::uint64_t offset) const;
  RecordEntry record_entry(std::uint64_t i) const;
  FieldEntry field_entry(std::uint64_t i) const;
  std::uint64_t dimension(std::uint64_t i) const;

  const std::vector<SentValue>& sent_;
  const MemoryFile& output_;
  std::vector<std::byte> table_;
  TableHead head_;
  std::vector<std::uint32_t> sources_;
  bool shares_ = false;    ///< some value is such that a buffer may share it
  std::uint64_t own_ = 0;  ///< of the values that lie in the memory of the process
};

}  // namespace sluice::process
