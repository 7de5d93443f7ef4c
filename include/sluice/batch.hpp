#pragma once

#include <sluice/encoded_batch.hpp>
#include <sluice/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// The records that one call of `process` works on. A stage may change them or move from them.
template <class T>
class Batch {
 public:
  explicit Batch(std::vector<T> records) : records_(std::move(records)) {}

  std::size_t size() const noexcept { return records_.size(); }
  T& operator[](std::size_t i) { return records_[i]; }
  const T& operator[](std::size_t i) const { return records_[i]; }
  auto begin() noexcept { return records_.begin(); }
  auto end() noexcept { return records_.end(); }

 private:
  std::vector<T> records_;
};

/// Where `process` puts its outputs. Each output names the input record that it descends from, so
/// that every input can be followed to its last descendant: none emitted for an input means that it
/// was dropped on purpose, several that it was split.
template <class T>
class Emitter {
 public:
  explicit Emitter(std::size_t batch_size) : batch_size_(batch_size) {
    records_.reserve(batch_size);
    sources_.reserve(batch_size);
  }

  /// `from` is the index of the input record in its batch.
  void emit(std::size_t from, T record) {
    if (from >= batch_size_) {
      throw StageError("emit(" + std::to_string(from) + ", …) names no record of a batch of " +
                       std::to_string(batch_size_));
    }
    records_.push_back(std::move(record));
    sources_.push_back(static_cast<std::uint32_t>(from));
  }

  std::vector<T>& records() noexcept { return records_; }
  const std::vector<std::uint32_t>& sources() const noexcept { return sources_; }

 private:
  std::size_t batch_size_;
  std::vector<T> records_;
  std::vector<std::uint32_t> sources_;
};

/// Throw it from `process` to say which record of the batch is the bad one; any other exception is
/// taken to concern the whole batch.
struct RecordError : StageError {
  RecordError(std::size_t index_in_batch, const std::string& message,
              ExitCode code = ExitCode::stage)
      : StageError(message, code), index(index_in_batch) {}
  std::size_t index;
};

}  // namespace sluice
