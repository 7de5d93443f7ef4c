#include "store/hdf5_column.hpp"

#include "store/hdf5_type.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <numeric>

namespace sluice::store {
namespace {

// Numbers are few bytes a row, so a small chunk keeps small files small.
constexpr std::size_t number_chunk_bytes = 8 << 10;
constexpr std::size_t payload_chunk_bytes = 512 << 10;

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

template <class T>
std::string type_misfit(const Value& value) {
  if (std::holds_alternative<T>(value)) return {};
  return fmt::format("holds {}, not {}", type_name(value), type_name(Value(T{})));
}

RowDataset number_dataset(const DatasetPlace& place, DType dtype) {
  const auto type = hdf5_type(place.doing(), dtype);
  return {place, type.get(), {}, number_chunk_bytes};
}

template <class T, DType dtype>
class NumberColumn final : public Hdf5Column {
 public:
  explicit NumberColumn(const DatasetPlace& place) : rows_(number_dataset(place, dtype)) {}
  std::string misfit(const Value& value) const override { return type_misfit<T>(value); }
  void append(const Value& value) override { rows_.append(bytes_of(std::get<T>(value))); }
  void finish() override { rows_.finish(); }

 private:
  RowDataset rows_;
};

class StringColumn final : public Hdf5Column {
 public:
  explicit StringColumn(const DatasetPlace& place) : strings_(place) {}
  std::string misfit(const Value& value) const override { return type_misfit<std::string>(value); }
  void append(const Value& value) override { strings_.append(std::get<std::string>(value)); }
  void finish() override { strings_.finish(); }

 private:
  StringDataset strings_;
};

/// Makes the group and returns where it is.
const DatasetPlace& make_group(const DatasetPlace& place) {
  hdf5_open(place.doing(), H5Gclose, [&] {
    return H5Gcreate2(place.parent, place.name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  });
  return place;
}

DatasetPlace inside(const DatasetPlace& group, const char* name) {
  return {group.parent, fmt::format("{}/{}", group.name, name), group.file};
}

// Row i is bytes[offsets[i] .. offsets[i + 1]).
class BytesColumn final : public Hdf5Column {
 public:
  explicit BytesColumn(const DatasetPlace& place)
      : bytes_(payload(inside(make_group(place), "bytes"))),
        offsets_(number_dataset(inside(place, "offsets"), DType::u64)) {
    offsets_.append(bytes_of(end_));
  }
  std::string misfit(const Value& value) const override { return type_misfit<Buffer>(value); }
  void append(const Value& value) override {
    const auto& buffer = std::get<Buffer>(value);
    bytes_.append({buffer.data(), buffer.size()});
    end_ += buffer.size();
    offsets_.append(bytes_of(end_));
  }
  void finish() override {
    bytes_.finish();
    offsets_.finish();
  }

 private:
  static RowDataset payload(const DatasetPlace& place) {
    const auto type = hdf5_type(place.doing(), DType::u8);
    return {place, type.get(), {}, payload_chunk_bytes};
  }

  std::uint64_t end_ = 0;
  RowDataset bytes_;
  RowDataset offsets_;
};

std::string describe(const Tensor& tensor) {
  return fmt::format("{} of shape ({})", name_of(tensor.dtype), fmt::join(tensor.shape, ", "));
}

class TensorColumn final : public Hdf5Column {
 public:
  TensorColumn(const DatasetPlace& place, const Tensor& first)
      : like_{first.dtype, first.shape, {}}, rows_(dataset(place, first)) {}
  std::string misfit(const Value& value) const override {
    if (auto misfit = type_misfit<Tensor>(value); !misfit.empty()) return misfit;
    const auto& tensor = std::get<Tensor>(value);
    if (tensor.dtype == like_.dtype && tensor.shape == like_.shape) return {};
    return fmt::format("holds a tensor {}, not {}", describe(tensor), describe(like_));
  }
  void append(const Value& value) override {
    const auto& data = std::get<Tensor>(value).data;
    rows_.append({data.data(), data.size()});
  }
  void finish() override { rows_.finish(); }

 private:
  static RowDataset dataset(const DatasetPlace& place, const Tensor& first) {
    const auto type = hdf5_type(place.doing(), first.dtype);
    return {place, type.get(), {first.shape.begin(), first.shape.end()}, payload_chunk_bytes};
  }

  Tensor like_;  ///< without data
  RowDataset rows_;
};

std::size_t size_by_shape(const Tensor& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), size_of(tensor.dtype),
                         std::multiplies<>());
}

std::string tensor_fault(const Tensor& tensor) {
  const auto wanted = size_by_shape(tensor);
  if (wanted == 0) return fmt::format("holds an empty tensor, {}", describe(tensor));
  if (tensor.data.size() == wanted) return {};
  return fmt::format("holds a tensor {} with {} bytes of data instead of {}", describe(tensor),
                     tensor.data.size(), wanted);
}

}  // namespace

std::string hdf5_fault(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) return tensor_fault(*tensor);
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->find('\0') == std::string::npos) return {};
  return "holds a NUL character, which an HDF5 string cannot; make it a bytes field";
}

std::unique_ptr<Hdf5Column> make_hdf5_column(const DatasetPlace& place, const Value& first) {
  if (std::holds_alternative<std::string>(first)) return std::make_unique<StringColumn>(place);
  if (std::holds_alternative<Buffer>(first)) return std::make_unique<BytesColumn>(place);
  if (const auto* tensor = std::get_if<Tensor>(&first)) {
    return std::make_unique<TensorColumn>(place, *tensor);
  }
  if (std::holds_alternative<double>(first)) {
    return std::make_unique<NumberColumn<double, DType::f64>>(place);
  }
  return std::make_unique<NumberColumn<std::int64_t, DType::i64>>(place);
}

}  // namespace sluice::store
