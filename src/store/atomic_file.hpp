#pragma once

#include <filesystem>

namespace sluice::store {

/// A file that appears at its path all at once: its owner writes `temporary()`, in the same folder,
/// and then commits. The rename is the commit, so a reader finds the old file or the new one,
/// whole. Without a commit the destructor removes the temporary.
class AtomicFile {
 public:
  /// Whether writers of the same path share the temporary's name, so that the next one replaces
  /// what a killed one left, or each has a name of its own, so that they don't meet.
  enum class Temporary { shared, own };

  /// Makes the folder if need be; throws IoError.
  explicit AtomicFile(std::filesystem::path path, Temporary temporary = Temporary::shared);
  /// The temporary has a name of its own in `scratch`, a folder on the same file system, where
  /// `sweep` finds what killed writers left.
  AtomicFile(std::filesystem::path path, const std::filesystem::path& scratch);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  const std::filesystem::path& temporary() const noexcept { return temporary_; }

  /// Call it when the temporary is closed: syncs it, renames it and syncs the folder, so that the
  /// file survives a crash of the machine; throws IoError.
  void commit();

  /// Removes from `scratch` the temporaries of this host's processes that are gone: files, and
  /// folders named like them.
  static void sweep(const std::filesystem::path& scratch);

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace sluice::store
