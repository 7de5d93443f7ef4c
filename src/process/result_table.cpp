#include "process/result_table.hpp"

#include "process/died.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace sluice::process {
namespace {

// Smaller values are copied: they would pin the memory of the whole batch for little.
constexpr std::uint64_t worth_sharing = 4096;

void require(bool holds, std::string_view what) {
  if (!holds) throw Garbage(fmt::format("a table {}", what));
}

bool is_outside(const FieldEntry& field) {
  return field.type != FieldType::int64 && field.type != FieldType::number;
}

bool is_sharable(const FieldEntry& field) {
  return is_outside(field) && field.type != FieldType::string && field.memory == FieldMemory::own &&
         field.b >= worth_sharing;
}

std::string_view view(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ResultTable::ResultTable(const Place& place, MemoryFile& output, std::size_t inputs,
                         const std::vector<SentValue>& sent)
    : sent_(sent), output_(output) {
  copy_table(place, output);
  check_records(inputs);
  check_fields(output);
}

void ResultTable::copy_table(const Place& place, MemoryFile& output) {
  require(place.offset % value_alignment == 0, "that begins at no multiple of 64 bytes");
  require(output.holds(place.offset, place.length), "beyond the end of the memory file");
  require(place.length >= sizeof head_, "that is shorter than its head");
  const auto bytes = output.range(place.offset, place.length);
  table_.assign(bytes.begin(), bytes.end());
  head_ = entry<TableHead>(0);
  require(head_.magic == table_magic, "that does not begin with SLB1");
  const auto fixed = text_offset(head_);
  require(fixed <= table_.size(), "that is shorter than its parts");
  require(head_.text_bytes <= table_.size() - fixed &&
              rounded_up(head_.text_bytes, 8) >= table_.size() - fixed,
          "whose length is not that of its parts");
}

void ResultTable::check_records(std::size_t inputs) {
  std::uint64_t fields = 0;
  std::uint64_t text = 0;
  sources_.reserve(head_.records);
  for (std::uint64_t i = 0; i < head_.records; ++i) {
    const auto record = record_entry(i);
    require(record.source < inputs, "with a record whose source is not in the batch");
    sources_.push_back(record.source);
    fields += record.fields;
    text += record.key_length;
  }
  for (std::uint64_t i = 0; i < head_.fields; ++i) text += field_entry(i).name_length;
  require(fields == head_.fields, "whose records have not as many fields as it");
  require(text == head_.text_bytes, "whose text is not as long as keys and names");
}

void ResultTable::check_fields(MemoryFile& output) {
  std::uint64_t next_dimension = 0;
  for (std::uint64_t i = 0; i < head_.fields; ++i) {
    const auto field = field_entry(i);
    require(field.type <= FieldType::tensor, "with a field of an unknown type");
    require(field.memory <= FieldMemory::other, "with a value in an unknown memory");
    if (field.type == FieldType::tensor) {
      require(field.b == check_shape(field, next_dimension),
              "with a tensor whose shape does not fit its length");
    } else {
      require(field.dimensions == 0 && field.dtype == 0, "with a shape for what is no tensor");
    }
    if (is_outside(field)) check_place(field, output);
    shares_ = shares_ || is_sharable(field);
    if (is_outside(field) && field.memory == FieldMemory::own) {
      own_ += rounded_up(field.b, value_alignment);
    }
  }
  require(next_dimension == head_.dimensions, "that has other dimensions than its tensors");
}

// The bytes of a tensor of this shape.
std::uint64_t ResultTable::check_shape(const FieldEntry& field,
                                       std::uint64_t& next_dimension) const {
  require(field.dtype <= static_cast<std::uint8_t>(DType::f64), "with a tensor of unknown dtype");
  require(field.dimensions <= head_.dimensions - next_dimension,
          "that has fewer dimensions than its tensors");
  std::uint64_t bytes = size_of(static_cast<DType>(field.dtype));
  bool fits = true;
  bool empty = false;
  for (unsigned i = 0; i < field.dimensions; ++i) {
    const auto size = dimension(next_dimension++);
    empty = empty || size == 0;
    fits = !__builtin_mul_overflow(bytes, size, &bytes) && fits;
  }
  require(fits || empty, "with a tensor of more bytes than there are");
  return empty ? 0 : bytes;
}

void ResultTable::check_place(const FieldEntry& field, MemoryFile& output) {
  if (field.b == 0) return;
  if (field.memory == FieldMemory::own) {
    require(output.holds(field.a, field.b), "with a value beyond the end of the memory file");
  } else {
    sent_around(field);
  }
}

// The value of the batch within which this one lies.
const SentValue& ResultTable::sent_around(const FieldEntry& field) const {
  auto after = std::upper_bound(sent_.begin(), sent_.end(), field.a,
                                [](auto offset, const auto& sent) { return offset < sent.offset; });
  require(after != sent_.begin(), "with a value before those of the batch");
  // Empty ones share their offset with what follows them.
  const auto& sent = *--after;
  require(field.a - sent.offset <= sent.length && field.b <= sent.length - (field.a - sent.offset),
          "with a value of the batch's memory that lies in none of its values");
  return sent;
}

std::vector<Record> ResultTable::records(const std::shared_ptr<void>& owner,
                                         const MemoryFile& input) const {
  const auto text = view(table_).substr(text_offset(head_));
  std::vector<Record> records;
  records.reserve(head_.records);
  std::uint64_t next_field = 0;
  std::uint64_t next_text = 0;
  const auto take_text = [&](std::uint32_t length) {
    return text.substr(std::exchange(next_text, next_text + length), length);
  };
  std::uint64_t next_dimension = 0;
  for (std::uint64_t i = 0; i < head_.records; ++i) {
    const auto entry = record_entry(i);
    auto& record = records.emplace_back(std::string(take_text(entry.key_length)));
    for (std::uint32_t f = 0; f < entry.fields; ++f) {
      const auto field = field_entry(next_field++);
      auto value = value_of(field, owner, input);
      if (auto* tensor = std::get_if<Tensor>(&value)) {
        for (unsigned d = 0; d < field.dimensions; ++d) {
          tensor->shape.push_back(dimension(next_dimension++));
        }
      }
      record.set(take_text(field.name_length), std::move(value));
    }
  }
  return records;
}

// A tensor's shape is left open.
Value ResultTable::value_of(const FieldEntry& field, const std::shared_ptr<void>& owner,
                            const MemoryFile& input) const {
  switch (field.type) {
    case FieldType::bytes:
      return buffer_of(field, owner, input);
    case FieldType::string:
      return std::string(bytes_of(field, input));
    case FieldType::int64:
      return static_cast<std::int64_t>(field.a);
    case FieldType::number:
      return std::bit_cast<double>(field.a);
    case FieldType::tensor:
      break;
  }
  Tensor tensor;
  tensor.dtype = static_cast<DType>(field.dtype);
  tensor.data = buffer_of(field, owner, input);
  const auto address = reinterpret_cast<std::uintptr_t>(tensor.data.data());
  const bool aligned = address % size_of(tensor.dtype) == 0;
  if (!aligned) tensor.data = Buffer::copy_of(tensor.data.view());
  return tensor;
}

Buffer ResultTable::buffer_of(const FieldEntry& field, const std::shared_ptr<void>& owner,
                              const MemoryFile& input) const {
  if (field.b == 0) return {};
  if (field.memory == FieldMemory::other) {
    const auto& sent = sent_around(field);
    if (!sent.buffer.empty()) return sent.buffer.slice(field.a - sent.offset, field.b);
  } else if (owner != nullptr && is_sharable(field)) {
    // The process may have the value in other results, too.
    return Buffer::share(std::shared_ptr<std::byte>(owner, output_.at(field.a)), field.b,
                         Buffer::Access::read_only);
  }
  return Buffer::copy_of(bytes_of(field, input));
}

std::string_view ResultTable::bytes_of(const FieldEntry& field, const MemoryFile& input) const {
  if (field.b == 0) return {};
  const auto& memory = field.memory == FieldMemory::own ? output_ : input;
  return view(memory.range(field.a, field.b));
}

template <class T>
T ResultTable::entry(std::uint64_t offset) const {
  T value;
  std::memcpy(&value, table_.data() + offset, sizeof value);
  return value;
}

RecordEntry ResultTable::record_entry(std::uint64_t i) const {
  return entry<RecordEntry>(sizeof head_ + sizeof(RecordEntry) * i);
}

FieldEntry ResultTable::field_entry(std::uint64_t i) const {
  return entry<FieldEntry>(sizeof head_ + sizeof(RecordEntry) * std::uint64_t{head_.records} +
                           sizeof(FieldEntry) * i);
}

std::uint64_t ResultTable::dimension(std::uint64_t i) const {
  return entry<std::uint64_t>(text_offset(head_) - 8 * (head_.dimensions - i));
}

}  // namespace sluice::process
