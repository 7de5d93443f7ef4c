#pragma once

#include "store/descriptor.hpp"
#include "store/hdf5_dataset.hpp"
#include "store/mapped_ranges.hpp"

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace sluice::store {

/// A 1-D dataset of bytes that is written from front to back. The library finds the space, in
/// steps of some chunks; the bytes go there past it, from wherever they lie, and large ones are
/// never copied together: a fifth faster than chunk by chunk.
class ByteDataset {
 public:
  /// In the file at `path`, where `place` is. Errors are IoErrors.
  ByteDataset(const DatasetPlace& place, const std::filesystem::path& path,
              std::size_t chunk_bytes);

  /// Bytes that must stay as they are until the next `flush`.
  void append(std::span<const std::byte> bytes);
  /// Nothing that was appended is needed any longer.
  void flush();
  /// Writes what is left and cuts the dataset to its exact length; nothing may follow.
  void finish();

 private:
  void write();
  void reserve(std::uint64_t bytes);
  void write_into(FileRange& space);
  void set_length(std::uint64_t length);

  std::string doing_;
  Descriptor file_;
  std::uint64_t chunk_bytes_;
  Hdf5Id dataset_;
  std::uint64_t reserved_ = 0;  ///< length of the dataset as the library knows it
  std::uint64_t written_ = 0;
  std::deque<FileRange> space_;   ///< for what comes after that
  std::vector<iovec> pieces_;     ///< appended, and not written yet
  std::uint64_t waiting_ = 0;     ///< their bytes
  bool borrowed_ = false;         ///< some of them are the caller's
  std::vector<std::byte> small_;  ///< copies of small ones; never grows, since pieces point into it
};

}  // namespace sluice::store
