#pragma once

#include <sluice/buffer.hpp>
#include <sluice/codec.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {

enum class DType : std::uint8_t { u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64 };

/// Bytes per element.
std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);

/// A dense array in row-major order; `data` holds product(shape) × size_of(dtype) bytes.
struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::uint64_t> shape;
  Buffer data;

  bool operator==(const Tensor&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(dtype, shape, data);
  }
};

/// What a field of a Record holds: bytes, text, an integer, a number, or a tensor.
using Value = std::variant<Buffer, std::string, std::int64_t, double, Tensor>;

/// The name of the alternative that `value` holds: "bytes", "string", "int64", "double", "tensor".
std::string_view type_name(const Value& value);

/// The record of job files: a key and named fields, in the order in which they were set.
class Record {
 public:
  std::string key;

  Record() = default;
  explicit Record(std::string record_key) : key(std::move(record_key)) {}

  void set(std::string_view name, Value value);
  bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// Removes the field and returns it; throws Error if it is missing.
  Value take(std::string_view name);
  void remove(std::string_view name);

  /// The field as a T; throws Error naming the record and the field if it is missing or holds
  /// another type.
  template <class T>
  const T& get(std::string_view name) const {
    const Value& value = at(name);
    if (const T* typed = std::get_if<T>(&value)) return *typed;
    throw_type_mismatch(name, value, type_name(Value(T{})));
  }

  const std::vector<std::pair<std::string, Value>>& fields() const noexcept { return fields_; }

  bool operator==(const Record&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(key, fields_);
  }

 private:
  const Value* find(std::string_view name) const noexcept;
  const Value& at(std::string_view name) const;
  [[noreturn]] void throw_type_mismatch(std::string_view name, const Value& value,
                                        std::string_view wanted) const;

  std::vector<std::pair<std::string, Value>> fields_;
};

}  // namespace sluice
