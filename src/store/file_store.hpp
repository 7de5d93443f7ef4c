#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

/// A file that is being written where the process can write it, and will be kept under a name.
/// Without `publish` nothing remains of it.
class FileDraft {
 public:
  virtual ~FileDraft() = default;
  /// Where to write it.
  virtual const std::filesystem::path& path() const = 0;
  /// Call it when the file is closed. Afterwards it is kept for good, whole; throws IoError.
  virtual void publish() = 0;
};

/// A file of a FileStore where the process can read it, as long as this lives.
class LocalFile {
 public:
  virtual ~LocalFile() = default;
  virtual const std::filesystem::path& path() const = 0;
};

/// Keeps files under names like "2-ocr/manifest": below a folder, or below a prefix of a bucket. A
/// file appears whole or not at all, and in place of an older one. For one thread; several
/// processes may use the same place. Reading throws InputError, writing IoError, and both name the
/// file.
class FileStore {
 public:
  virtual ~FileStore() = default;

  virtual std::unique_ptr<FileDraft> draft(const std::string& name) = 0;
  virtual void write(const std::string& name, const std::string& text) = 0;

  /// Nothing if there is none of that name.
  virtual std::optional<std::string> read(const std::string& name) = 0;
  /// The first `bytes` of each, or all that there are.
  virtual std::vector<std::string> heads(const std::vector<std::string>& names,
                                         std::size_t bytes) = 0;
  virtual std::unique_ptr<LocalFile> open(const std::string& name) = 0;
  /// Whether opening a file fetches all of it first.
  virtual bool fetches() const noexcept = 0;

  /// The names of the files in a folder, without the folder's; sorted.
  virtual std::vector<std::string> list(const std::string& folder) = 0;
  /// Removes those that are there.
  virtual void remove(const std::vector<std::string>& names) = 0;
  /// Removes a folder and all that is in it, if it is there.
  virtual void remove_folder(const std::string& folder) = 0;
  /// Removes what killed writers left in the folder; only while nobody writes there.
  virtual void remove_drafts(const std::string& folder) = 0;

  /// For messages: "'s3://bucket/prefix/2-ocr/manifest'".
  virtual std::string shown(const std::string& name) const = 0;
};

/// Files below `folder`, which is made when it is needed.
std::unique_ptr<FileStore> folder_files(std::filesystem::path folder);

}  // namespace sluice::store
