#include "runtime/batch_input.hpp"

#include "store/checksum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {
namespace {

constexpr std::uint64_t block_records = 1024;

}  // namespace

BatchInput::BatchInput(const ErasedSpec& spec) {
  const auto& type = *spec.stages.front().input;
  auto records = spec.input();
  const std::uint64_t count = records.size();
  for (std::uint64_t first = 0; first < count; first += block_records) {
    add(type.encode(type.take(records, first, std::min(block_records, count - first))));
  }
}

void BatchInput::add(EncodedBatch block) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    checksum_ = store::checksum(block.record_bytes(i), checksum_);
    for (const auto& buffer : block.record_buffers(i)) {
      checksum_ = store::checksum(buffer.view(), checksum_);
    }
  }
  size_ += block.size();
  bytes_ += block.stored_bytes();
  blocks_.push_back(std::move(block));
}

std::string BatchInput::text() const {
  return fmt::format("input: {} records, xxh3 {:016x}", size_, checksum_);
}

EncodedBatch BatchInput::records(control::Span span) const {
  EncodedBatch result;
  for (auto at = span.first; at < span.end();) {
    const auto& block = blocks_.at(at / block_records);
    const auto first = at % block_records;
    const auto count = std::min(block.size() - first, span.end() - at);
    result.append(block.slice(first, count));
    at += count;
  }
  return result;
}

}  // namespace sluice::runtime
