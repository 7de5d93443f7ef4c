#include <sluice/error.hpp>
#include <sluice/record.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

struct DTypeInfo {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<DTypeInfo, 11> dtypes{{{"u8", 1},
                                            {"i8", 1},
                                            {"u16", 2},
                                            {"i16", 2},
                                            {"u32", 4},
                                            {"i32", 4},
                                            {"u64", 8},
                                            {"i64", 8},
                                            {"f16", 2},
                                            {"f32", 4},
                                            {"f64", 8}}};

constexpr std::array<std::string_view, 5> value_names{"bytes", "string", "int64", "double",
                                                      "tensor"};

}  // namespace

std::size_t size_of(DType dtype) { return dtypes.at(static_cast<std::size_t>(dtype)).size; }
std::string_view name_of(DType dtype) { return dtypes.at(static_cast<std::size_t>(dtype)).name; }
std::string_view type_name(const Value& value) { return value_names.at(value.index()); }

void Record::set(std::string_view name, Value value) {
  if (const Value* present = find(name)) {
    *const_cast<Value*>(present) = std::move(value);
  } else {
    fields_.emplace_back(name, std::move(value));
  }
}

Value Record::take(std::string_view name) {
  Value value = std::move(const_cast<Value&>(at(name)));
  remove(name);
  return value;
}

void Record::remove(std::string_view name) {
  std::erase_if(fields_, [name](const auto& field) { return field.first == name; });
}

const Value* Record::find(std::string_view name) const noexcept {
  const auto it = std::find_if(fields_.begin(), fields_.end(),
                               [name](const auto& field) { return field.first == name; });
  return it == fields_.end() ? nullptr : &it->second;
}

const Value& Record::at(std::string_view name) const {
  if (const Value* value = find(name)) return *value;
  std::string present;
  for (const auto& field : fields_) present += (present.empty() ? "" : ", ") + field.first;
  throw StageError(fmt::format("record '{}' has no field '{}' (it has: {})", key, name,
                               present.empty() ? "none" : present));
}

void Record::throw_type_mismatch(std::string_view name, const Value& value,
                                 std::string_view wanted) const {
  throw StageError(fmt::format("field '{}' of record '{}' holds {}, not {}", name, key,
                               type_name(value), wanted));
}

}  // namespace sluice
