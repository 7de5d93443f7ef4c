#include "process/batch_table.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>
#include <string_view>

namespace sluice::process {
namespace {

template <class Small>
Small narrow(std::uint64_t value, const Record& record, std::string_view what) {
  if (value <= std::numeric_limits<Small>::max()) return static_cast<Small>(value);
  throw StageError(fmt::format("record '{:.100}' has {} {}: more than a process can be given",
                               record.key, value, what));
}

// The bytes of a value that lies outside the table.
std::string_view outside(const Value& value) {
  if (const auto* bytes = std::get_if<Buffer>(&value)) return bytes->view();
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* tensor = std::get_if<Tensor>(&value)) return tensor->data.view();
  return {};
}

Buffer buffer_of(const Value& value) {
  if (const auto* bytes = std::get_if<Buffer>(&value)) return *bytes;
  if (const auto* tensor = std::get_if<Tensor>(&value)) return tensor->data;
  return {};
}

void copy(std::byte* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

/// Goes through a batch once and writes each part of its table where it belongs.
class Writer {
 public:
  Writer(const TableHead& head, std::uint64_t table_bytes, std::byte* to, std::uint64_t offset)
      : to_(to),
        offset_(offset),
        record_(sizeof head),
        field_(record_ + sizeof(RecordEntry) * head.records),
        shape_(field_ + sizeof(FieldEntry) * head.fields),
        text_(text_offset(head)),
        value_(rounded_up(table_bytes, value_alignment)) {
    std::memcpy(to, &head, sizeof head);
    std::memset(to + text_ + head.text_bytes, 0, table_bytes - text_ - head.text_bytes);
  }

  void add(const Record& record, std::uint32_t source) {
    RecordEntry entry;
    entry.source = source;
    entry.fields = narrow<std::uint32_t>(record.fields().size(), record, "fields");
    entry.key_length = narrow<std::uint32_t>(record.key.size(), record, "bytes of key");
    put(record_, entry);
    put_text(record.key);
    for (const auto& [name, value] : record.fields()) add(record, name, value);
  }

  std::vector<SentValue> take_sent() { return std::move(sent_); }

 private:
  void add(const Record& record, const std::string& name, const Value& value) {
    FieldEntry entry;
    entry.name_length = narrow<std::uint32_t>(name.size(), record, "bytes of field name");
    entry.type = static_cast<FieldType>(value.index());
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      entry.a = static_cast<std::uint64_t>(*integer);
    } else if (const auto* number = std::get_if<double>(&value)) {
      entry.a = std::bit_cast<std::uint64_t>(*number);
    } else {
      put_value(value, entry);
    }
    if (const auto* tensor = std::get_if<Tensor>(&value)) put_shape(record, *tensor, entry);
    put(field_, entry);
    put_text(name);
  }

  void put_value(const Value& value, FieldEntry& entry) {
    const auto bytes = outside(value);
    entry.a = offset_ + value_;
    entry.b = bytes.size();
    copy(to_ + value_, bytes);
    sent_.push_back({entry.a, entry.b, buffer_of(value)});
    value_ += rounded_up(bytes.size(), value_alignment);
  }

  void put_shape(const Record& record, const Tensor& tensor, FieldEntry& entry) {
    entry.dtype = static_cast<std::uint8_t>(tensor.dtype);
    entry.dimensions = narrow<std::uint8_t>(tensor.shape.size(), record, "dimensions of a tensor");
    for (const auto dimension : tensor.shape) put(shape_, dimension);
  }

  template <class T>
  void put(std::uint64_t& at, const T& value) {
    std::memcpy(to_ + at, &value, sizeof value);
    at += sizeof value;
  }
  void put_text(std::string_view text) {
    copy(to_ + text_, text);
    text_ += text.size();
  }

  std::byte* to_;
  std::uint64_t offset_;
  // Where the next of each goes, from `to_`.
  std::uint64_t record_;
  std::uint64_t field_;
  std::uint64_t shape_;
  std::uint64_t text_;
  std::uint64_t value_;
  std::vector<SentValue> sent_;
};

}  // namespace

BatchTable::BatchTable(const Batch<Record>& batch) : batch_(batch) {
  std::uint64_t fields = 0;
  std::uint64_t dimensions = 0;
  std::uint64_t values = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    fields += batch[i].fields().size();
    head_.text_bytes += batch[i].key.size();
    for (const auto& [name, value] : batch[i].fields()) {
      head_.text_bytes += name.size();
      values += rounded_up(outside(value).size(), value_alignment);
      if (const auto* tensor = std::get_if<Tensor>(&value)) dimensions += tensor->shape.size();
    }
  }
  const Record& any = batch[0];
  head_.records = narrow<std::uint32_t>(batch.size(), any, "records in its batch");
  head_.fields = narrow<std::uint32_t>(fields, any, "fields in its batch");
  head_.dimensions = narrow<std::uint32_t>(dimensions, any, "dimensions in its batch");
  table_bytes_ = text_offset(head_) + rounded_up(head_.text_bytes, 8);
  bytes_ = rounded_up(table_bytes_, value_alignment) + values;
}

std::vector<SentValue> BatchTable::write(std::byte* to, std::uint64_t offset) const {
  Writer writer(head_, table_bytes_, to, offset);
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    writer.add(batch_[i], static_cast<std::uint32_t>(i));
  }
  return writer.take_sent();
}

}  // namespace sluice::process
