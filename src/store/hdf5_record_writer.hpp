#pragma once

#include <sluice/record.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::store {

/// Writes records as the rows of an HDF5 file (docs/hdf5-output.md), which appears at its path when
/// committed and not before. For one thread; writers of different files may run side by side.
class Hdf5RecordWriter {
 public:
  /// Writes these fields, or without any those of the first record. Throws IoError.
  explicit Hdf5RecordWriter(const std::filesystem::path& path,
                            std::vector<std::string> fields = {});
  /// Without a commit, leaves nothing behind.
  ~Hdf5RecordWriter();
  Hdf5RecordWriter(const Hdf5RecordWriter&) = delete;
  Hdf5RecordWriter& operator=(const Hdf5RecordWriter&) = delete;

  /// Appends all of the records or, if one doesn't fit, none: then it throws StageError naming the
  /// record and the field.
  void append(std::span<const Record> records);

  /// Closes the file and publishes it; throws IoError. Nothing may follow.
  void commit();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace sluice::store
