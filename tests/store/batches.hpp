#pragma once

#include <sluice/encoded_batch.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

// Batches in wire form, and what is compared of them.
namespace sluice::store {

inline std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const auto eight = random();
    std::memcpy(bytes.data() + at, &eight, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

/// Mostly small; at times nothing, or larger than a chunk or a block.
inline std::size_t random_size(std::mt19937_64& random) {
  const auto sort = random() % 100;
  if (sort < 5) return 0;
  return sort < 95 ? random() % 300 : sort < 99 ? random() % 100'000 : random() % 3'000'000;
}

inline void add_record(EncodedBatch& batch, RecordId id, const std::string& bytes,
                       const std::vector<std::string>& buffers = {}) {
  batch.open_bytes() += bytes;
  for (const auto& buffer : buffers) batch.attach(Buffer::copy_of(buffer));
  batch.end_record(std::move(id));
}

inline EncodedBatch random_batch(std::mt19937_64& random, std::size_t records) {
  EncodedBatch batch;
  for (std::size_t i = 0; i < records; ++i) {
    std::vector<std::string> buffers(random() % 4 == 0 ? random() % 4 : 0);
    for (auto& buffer : buffers) buffer = random_bytes(random, random_size(random));
    add_record(batch, {random(), RecordPath(random_bytes(random, random() % 4 * 4))},
               random_bytes(random, random_size(random)), buffers);
  }
  return batch;
}

inline bool same_record(const EncodedBatch& a, std::size_t i, const EncodedBatch& b,
                        std::size_t j) {
  const auto of_a = a.record_buffers(i);
  const auto of_b = b.record_buffers(j);
  return a.id(i) == b.id(j) && a.record_bytes(i) == b.record_bytes(j) &&
         std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end());
}

/// `found` are the records of `expected` from `first` on.
inline void expect_records(const EncodedBatch& found, const EncodedBatch& expected,
                           std::size_t first = 0) {
  ASSERT_LE(first + found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(same_record(found, i, expected, first + i)) << "record " << first + i;
  }
}

}  // namespace sluice::store
