#include "store/hdf5_record_writer.hpp"

#include "store/atomic_file.hpp"
#include "store/hdf5_column.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::store {
namespace {

const Value* find(const Record& record, std::string_view name) {
  const auto& fields = record.fields();
  const auto it = std::find_if(fields.begin(), fields.end(),
                               [name](const auto& field) { return field.first == name; });
  return it == fields.end() ? nullptr : &it->second;
}

std::vector<std::string> names_of(const Record& record) {
  std::vector<std::string> names;
  for (const auto& field : record.fields()) names.push_back(field.first);
  return names;
}

bool is_dataset_name(const std::string& name) {
  return !name.empty() && name != "." && name != "key" && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

struct Hdf5RecordWriter::File {
  struct Column {
    std::string name;
    std::unique_ptr<Hdf5Column> values;
  };

  File(const std::filesystem::path& path, std::vector<std::string> fields)
      : output(path),
        chosen(std::move(fields)),
        id(create_hdf5_file(output.temporary())),
        keys(place("key")) {}

  DatasetPlace place(const std::string& name) const {
    return {id.get(), name, output.path().string()};
  }
  void make_columns(const Record& first);
  void check(const Record& record) const;
  const Value& field(const Record& record, const std::string& name) const;
  void refuse_unexpected_fields(const Record& record) const;
  [[noreturn]] void refuse(const Record& record, std::string_view why) const;

  AtomicFile output;  ///< declared first: the temporary is removed when the file is closed
  std::vector<std::string> chosen;
  Hdf5Id id;
  StringDataset keys;
  std::vector<Column> columns;
  bool has_columns = false;
  bool broken = false;  ///< a row is in some columns and not in others
};

void Hdf5RecordWriter::File::refuse(const Record& record, std::string_view why) const {
  auto key = record.key;
  std::replace(key.begin(), key.end(), '\0', '?');  // would cut the message short
  throw StageError(
      fmt::format("record '{}' does not fit into '{}': {}", key, output.path().string(), why));
}

const Value& Hdf5RecordWriter::File::field(const Record& record, const std::string& name) const {
  const Value* value = find(record, name);
  if (value == nullptr) {
    refuse(record, fmt::format("it has no field '{}' (it has: {})", name,
                               fmt::join(names_of(record), ", ")));
  }
  if (const auto fault = hdf5_fault(*value); !fault.empty()) {
    refuse(record, fmt::format("field '{}' {}", name, fault));
  }
  return *value;
}

// The first record says what type each column has.
void Hdf5RecordWriter::File::make_columns(const Record& first) {
  const auto names = chosen.empty() ? names_of(first) : chosen;
  for (const auto& name : names) {
    if (!is_dataset_name(name)) {
      refuse(first, fmt::format("a field named '{}' cannot be a dataset ('key' holds the records' "
                                "keys, '/' separates groups); rename it, or choose other fields",
                                name));
    }
    field(first, name);
  }
  for (const auto& name : names) {
    columns.push_back({name, make_hdf5_column(place(name), field(first, name))});
  }
  has_columns = true;
}

void Hdf5RecordWriter::File::check(const Record& record) const {
  if (const auto fault = hdf5_fault(record.key); !fault.empty()) {
    refuse(record, fmt::format("its key {}", fault));
  }
  for (const auto& column : columns) {
    const auto misfit = column.values->misfit(field(record, column.name));
    if (misfit.empty()) continue;
    refuse(record, fmt::format("field '{}' {} as in the first record, and a dataset has one type",
                               column.name, misfit));
  }
  if (chosen.empty() && record.fields().size() > columns.size()) refuse_unexpected_fields(record);
}

void Hdf5RecordWriter::File::refuse_unexpected_fields(const Record& record) const {
  for (const auto& name : names_of(record)) {
    if (std::none_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return column.name == name; })) {
      refuse(record, fmt::format("the first record had no field '{}'; if it may be left out, "
                                 "choose the fields to write",
                                 name));
    }
  }
}

Hdf5RecordWriter::Hdf5RecordWriter(const std::filesystem::path& path,
                                   std::vector<std::string> fields)
    : file_(std::make_unique<File>(path, std::move(fields))) {}

Hdf5RecordWriter::~Hdf5RecordWriter() = default;

void Hdf5RecordWriter::append(std::span<const Record> records) {
  if (records.empty()) return;
  if (file_->broken) {
    throw IoError(fmt::format("cannot write '{}': an earlier write to it has failed",
                              file_->output.path().string()));
  }
  if (!file_->has_columns) file_->make_columns(records.front());
  for (const auto& record : records) file_->check(record);
  file_->broken = true;
  for (const auto& record : records) {
    file_->keys.append(record.key);
    for (const auto& column : file_->columns) {
      column.values->append(*find(record, column.name));
    }
  }
  file_->broken = false;
}

void Hdf5RecordWriter::commit() {
  file_->keys.finish();
  for (const auto& column : file_->columns) column.values->finish();
  file_->id.close(fmt::format("cannot close '{}'", file_->output.path().string()));
  file_->output.commit();
}

}  // namespace sluice::store
