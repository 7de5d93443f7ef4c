#pragma once

#include <sluice/record.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sluice::process {

/// Records of all sorts, the same for the same seed.
class RandomRecords {
 public:
  explicit RandomRecords(std::uint64_t seed) : random_(seed) {}

  std::vector<Record> batch() {
    std::vector<Record> records(1 + below(5));
    for (auto& record : records) {
      record.key = text(below(20));
      for (auto fields = below(6); fields > 0; --fields) record.set(text(below(8)), value());
    }
    return records;
  }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  std::string text(std::uint64_t size) {
    std::string result(size, ' ');
    for (auto& c : result) c = static_cast<char>(random_());
    return result;
  }

  // Most are small, some empty, a few large enough to be shared.
  std::string bytes() { return text(below(8) == 0 ? 4000 + below(9000) : below(100)); }

  Value value() {
    switch (below(5)) {
      case 0:
        return Buffer::copy_of(bytes());
      case 1:
        return bytes();
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return static_cast<double>(random_()) / 3;
      default:
        return tensor();
    }
  }

  Tensor tensor() {
    Tensor tensor;
    tensor.dtype = static_cast<DType>(below(11));
    std::uint64_t size = size_of(tensor.dtype);
    for (auto dimensions = below(5); dimensions > 0; --dimensions) {
      tensor.shape.push_back(below(6));
      size *= tensor.shape.back();
    }
    tensor.data = Buffer::copy_of(text(size));
    return tensor;
  }

  std::mt19937_64 random_;
};

}  // namespace sluice::process
